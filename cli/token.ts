import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { AT_THE_MACHINE, makeToken } from "../relay-server/store/maintainer-token.ts";
import { withLedger } from "./ledger-command.ts";
import { dataDirOption } from "./options.ts";
import type { Terminal } from "./terminal.ts";

type Where = { readonly dataDir: string };
type Named = Where & { readonly name: string };

/**
 * `commonweight token …`: who may maintain a relay. It works on the relay's data folder, at its machine, whether the relay
 * runs or not, so that a lost token locks nobody out.
 */
export function tokenCommand({ print }: Terminal): Command {
  return new Command("token")
    .description("On the relay's machine: give maintainers tokens, list them, take them back.")
    .addCommand(
      onLedger("make", "Give a maintainer a token; an earlier one of that name is void.")
        .requiredOption("--name <NAME>", "whose name the audit log says", parseName)
        .action(({ dataDir, name }: Named) =>
          withLedger(dataDir, async (ledger) => {
            const file = join(resolve(dataDir), `maintainer-token-${name}`);
            const random = (size: number) => crypto.getRandomValues(new Uint8Array(size));
            const context = { people: ledger.people, random, clock: Date.now };
            await makeToken(context, {
              name,
              file,
              by: AT_THE_MACHINE,
              temporary: resolve(dataDir),
            });
            print(`The token of ${name} is in ${file}: give it to ${name} and delete the file.`);
          }),
        ),
    )
    .addCommand(
      onLedger("list", "Say who has a token, and since when.").action(({ dataDir }: Where) =>
        withLedger(dataDir, async (ledger) => {
          for (const { name, created_at } of await ledger.people.maintainers()) {
            print(`${name}  since ${new Date(Number(created_at)).toISOString()}`);
          }
        }),
      ),
    )
    .addCommand(
      onLedger("revoke", "Take a maintainer's token back: it is void at once.")
        .requiredOption("--name <NAME>", "the maintainer's name", parseName)
        .action(({ dataDir, name }: Named) =>
          withLedger(dataDir, async (ledger) => {
            const doing = { by: AT_THE_MACHINE, at: Date.now() };
            if (!(await ledger.people.revokeMaintainer(name, doing))) {
              throw new Error(`No maintainer of this relay is called ${name}.`);
            }
            print(`The token of ${name} is void.`);
          }),
        ),
    );
}

function onLedger(name: string, description: string): Command {
  return new Command(name).description(description).addOption(dataDirOption());
}

function parseName(text: string): string {
  if (/^[a-z][a-z0-9-]{0,31}$/.test(text)) return text;
  throw new InvalidArgumentError("It is a short name in small letters, such as ada.");
}
