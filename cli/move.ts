import { Command, InvalidArgumentError } from "commander";
import { openDataFolder } from "../relay-server/content/data-folder.ts";
import { moveLedger } from "../relay-server/store/move-ledger.ts";
import { dataDirOption } from "./options.ts";
import type { Terminal } from "./terminal.ts";

type MoveOptions = { readonly dataDir: string; readonly to: string };

/** `commonweight move`: a relay's ledger from SQLite to PostgreSQL, for more relays than one. */
export function moveCommand({ print, progress }: Terminal): Command {
  return new Command("move")
    .description("On the stopped relay's machine: move its ledger from SQLite to PostgreSQL.")
    .requiredOption(
      "--to <URL>",
      "an empty database, such as postgres://relay@localhost/commonweight",
      parsePostgres,
    )
    .addOption(dataDirOption())
    .action(async ({ dataDir, to }: MoveOptions) => {
      const folder = await openDataFolder(dataDir, { isShared: false });
      try {
        const report = await moveLedger(folder.ledger, to, (table, rows) =>
          progress(`${table}: ${rows} rows`),
        );
        const heads = report.heads.map(({ id, head }) => `${id} at version ${head}`).join(", ");
        print(
          `Moved and compared: ${report.rows} rows of ${report.tables} tables; ${heads || "no model yet"}.`,
        );
        print("Start the relay with the same data folder and STORE set to that database.");
      } finally {
        folder.unlock();
      }
    });
}

function parsePostgres(text: string): string {
  if (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError(
    "It is the address of a PostgreSQL database, such as postgres://relay@localhost/commonweight.",
  );
}
