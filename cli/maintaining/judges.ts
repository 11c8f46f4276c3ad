import type { Command } from "commander";
import type { JudgeList } from "../../core/protocol/schemas/judging.ts";
import { parseContributor } from "../options.ts";
import { shortHash } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import {
  type ActOptions,
  actCommand,
  carryOut,
  commandLine,
  maintainerCommand,
  openMaintainer,
  type Where,
} from "./act.ts";

type Judges = JudgeList["judges"];

/** `commonweight judges`: which machines judge for a relay. */
export function judgesCommand(terminal: Terminal): Command {
  return maintainerCommand("judges", "Say which machines judge for the relay, or did.").action(
    async (options: Where) => {
      const { maintainer } = await openMaintainer(null, options);
      const { judges } = await maintainer.judges({ signal: terminal.signal });
      if (options.json) return terminal.print(JSON.stringify({ judges }));
      if (judges.length === 0) terminal.print("Nobody judges for this relay but itself.");
      for (const judge of judges) terminal.print(lineOf(judge));
    },
  );
}

/** `commonweight judge-name`: from now on a machine is given the relay's training and evaluating. */
export function judgeNameCommand(terminal: Terminal): Command {
  return actCommand("judge-name", "Let a machine train and evaluate for the relay.", "maintainers")
    .argument("<key>", "the key that the machine's judge prints", parseContributor)
    .requiredOption("--name <NAME>", "what the machine is called")
    .action(async (judge: string, options: ActOptions & { readonly name: string }) => {
      const { signal } = terminal;
      const { baseUrl, maintainer } = await openMaintainer(null, options);
      const { name, reason } = options;
      const preview = await maintainer.judges({ signal });
      await carryOut(
        {
          preview,
          outlook: [
            ...standing(preview.judges, judge),
            "The relay would give it seeds, positions and sealed examples that nobody else knows, and compare a sixteenth of its work with its own.",
          ],
          question: `Take answers of ${shortHash(judge)}?`,
          perform: () => maintainer.nameJudge({ judge, name, reason }, { signal }),
          told: () => [`${name} judges for this relay.`],
          undo: commandLine(`judge-dismiss ${judge}`, baseUrl, options),
        },
        options,
        terminal,
      );
    });
}

/** `commonweight judge-dismiss`: no answer of a machine is taken any more. */
export function judgeDismissCommand(terminal: Terminal): Command {
  return actCommand("judge-dismiss", "Take no more answers of a judge.", "maintainers")
    .argument("<key>", "the judge's key", parseContributor)
    .action(async (judge: string, options: ActOptions) => {
      const { signal } = terminal;
      const { baseUrl, maintainer } = await openMaintainer(null, options);
      const { reason } = options;
      const preview = await maintainer.judges({ signal });
      await carryOut(
        {
          preview,
          outlook: [
            ...standing(preview.judges, judge),
            "What it holds is given to others, and what it trained or evaluated for later work is done anew.",
          ],
          question: `Dismiss ${shortHash(judge)}?`,
          perform: () => maintainer.dismissJudge({ judge, reason }, { signal }),
          told: () => [`No answer of ${judge} is taken any more.`],
          undo: commandLine(`judge-name ${judge} --name NAME`, baseUrl, options),
        },
        options,
        terminal,
      );
    });
}

function standing(judges: Judges, key: string): string[] {
  const known = judges.find(({ judge }) => judge === key);
  return [known === undefined ? "No judge has this key." : lineOf(known)];
}

function lineOf({ judge, name, dismissed }: Judges[number]): string {
  const ended = dismissed === null ? "" : `; dismissed: ${dismissed.reason}`;
  return `${name}, ${judge}${ended}`;
}
