import { Command } from "commander";
import { AT_THE_MACHINE } from "../relay-server/store/maintainer-token.ts";
import { withLedger } from "./ledger-command.ts";
import { dataDirOption, parseContributor } from "./options.ts";
import type { Terminal } from "./terminal.ts";

type EraseOptions = { readonly dataDir: string; readonly contributor: string };

/** `commonweight erase`: what a relay knows of a contributor beside what its signed versions name. */
export function eraseCommand({ print, fail }: Terminal): Command {
  return new Command("erase")
    .description("On the relay's machine: delete what it knows of a banned contributor.")
    .addOption(dataDirOption())
    .requiredOption("--contributor <KEY>", "the contributor's key", parseContributor)
    .action(({ dataDir, contributor }: EraseOptions) =>
      withLedger(dataDir, async (ledger) => {
        const erased = await ledger.people.eraseContributor(contributor, {
          by: AT_THE_MACHINE,
          at: Date.now(),
        });
        if (erased === null) {
          fail("Ban this contributor first: what spoke against them is erased too.");
          return;
        }
        const { contributions, refusals, tickets, events, kept } = erased;
        print(
          `Erased: ${contributions} refused contributions, ${refusals} refusals at the door, ${tickets} tickets, ${events} events.`,
        );
        if (kept > 0) {
          print(
            `${kept} contributions are named by signed versions: their ids, the key, signatures and patches stay, so that everybody can recompute the model.`,
          );
        }
      }),
    );
}
