import { join, resolve } from "node:path";
import { Command } from "commander";
import { parseConfig } from "../relay-server/config.ts";
import {
  type BackupReport,
  backUp,
  type CopyOptions,
  type Kept,
  restore,
  snapshotSqlite,
} from "../relay-server/content/backup.ts";
import { openObjects } from "../relay-server/content/open-objects.ts";
import { dataDirOption } from "./options.ts";
import type { Terminal } from "./terminal.ts";

type Where = { readonly dataDir: string };

/** `commonweight backup TO`: all that a relay keeps, while it runs. */
export function backupCommand(terminal: Terminal): Command {
  return new Command("backup")
    .description(
      "On the relay's machine: copy all that it keeps into a folder, also while it runs.",
    )
    .argument("<TO>", "a new folder, or that of an earlier backup, which is brought up to date")
    .addOption(dataDirOption())
    .action(async (to: string, { dataDir }: Where) => {
      const { store } = parseConfig(process.env);
      const snapshot = async (path: string) => {
        if (store === "") return snapshotSqlite(resolve(dataDir), path);
        // its driver is loaded only where it is used
        const { snapshotPostgres } = await import("../relay-server/store/snapshot-ledger.ts");
        return snapshotPostgres(store, path);
      };
      const kept = { ...keptIn(dataDir), snapshot };
      const report = await backUp(kept, resolve(to), progressOn(terminal));
      tell(terminal, report, `The backup is in ${resolve(to)}`);
    });
}

/** `commonweight restore FROM`: a data folder as it was backed up. */
export function restoreCommand(terminal: Terminal): Command {
  return new Command("restore")
    .description("Make a data folder of a backup; a relay is started on it as on any other.")
    .argument("<FROM>", "the folder of the backup")
    .addOption(dataDirOption())
    .action(async (from: string, { dataDir }: Where) => {
      const report = await restore(resolve(from), keptIn(dataDir), progressOn(terminal));
      tell(terminal, report, `The data folder is ${resolve(dataDir)}`);
      if (parseConfig(process.env).store === "") return;
      terminal.print(
        `Its ledger is in SQLite: take it to an empty database with "npx commonweight move --data-dir ${resolve(dataDir)} --to URL".`,
      );
    });
}

/** What the relay of that data folder keeps: its files lie there, or in the bucket of CONTENT. */
function keptIn(dataDir: string): Kept {
  const path = resolve(dataDir);
  const { content } = parseConfig(process.env);
  const folder = { kind: "folder", path, temporary: join(path, "tmp") } as const;
  return { dataDir: path, objects: openObjects(content ?? folder) };
}

function progressOn({ progress }: Terminal): CopyOptions {
  return { onProgress: (done, total) => progress(`${done} of ${total} files`) };
}

function tell(
  { print, fail }: Terminal,
  { copied, damaged, heads }: BackupReport,
  done: string,
): void {
  const versions = heads.map(({ model, head }) => `${model} at version ${head}`).join(", ");
  print(`${done}: ${versions || "no model yet"}; ${copied} files were copied.`);
  if (damaged.length === 0) return;
  const are = damaged.length === 1 ? "1 file is" : `${damaged.length} files are`;
  fail(`${are} damaged where they came from and were left out, the first of them ${damaged[0]}.`);
}
