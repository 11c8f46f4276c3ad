import type { Command } from "commander";
import type { BanPreview } from "../../core/protocol/schemas/previews.ts";
import { parseContributor } from "../options.ts";
import { shortHash } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { type ActOptions, actCommand, carryOut, commandLine, openMaintainer } from "./act.ts";

/** `commonweight ban`: no work of a contributor is taken any more. */
export function banCommand(terminal: Terminal): Command {
  return actCommand("ban", "Take no work of a contributor any more.", "the contributor")
    .argument("<contributor>", "the contributor's key", parseContributor)
    .action(async (contributor: string, options: ActOptions) => {
      const { signal } = terminal;
      const { baseUrl, maintainer } = await openMaintainer(null, options);
      const preview = await maintainer.previewBan(contributor, { signal });
      const { reason } = options;
      await carryOut(
        {
          preview,
          outlook: banLines(preview),
          question: `Ban ${shortHash(contributor)}?`,
          perform: () => maintainer.ban({ contributor, reason }, { signal }),
          told: ({ refused }) => [
            `No work of ${contributor} is taken any more; ${refused} that waited refused.`,
          ],
          undo: commandLine(`unban ${contributor}`, baseUrl, options),
        },
        options,
        terminal,
      );
    });
}

/** `commonweight unban`: a contributor's work is taken again. */
export function unbanCommand(terminal: Terminal): Command {
  return actCommand("unban", "Take a contributor's work again.", "maintainers")
    .argument("<contributor>", "the contributor's key", parseContributor)
    .action(async (contributor: string, options: ActOptions) => {
      const { signal } = terminal;
      const { baseUrl, maintainer } = await openMaintainer(null, options);
      const preview = await maintainer.previewBan(contributor, { signal });
      const { banned } = preview;
      const { reason } = options;
      await carryOut(
        {
          preview,
          outlook: [
            banned === null
              ? "This contributor is not banned: nothing would change."
              : `This contributor is banned: ${banned}`,
            "What the ban refused stays refused.",
          ],
          question: `Take work of ${shortHash(contributor)} again?`,
          perform: () => maintainer.unban({ contributor, reason }, { signal }),
          told: () => [`Work of ${contributor} is taken again.`],
          undo: commandLine(`ban ${contributor}`, baseUrl, options),
        },
        options,
        terminal,
      );
    });
}

function banLines({ banned, models }: BanPreview): string[] {
  const lines = models.map(
    ({ model, waiting, merged }) =>
      `${model}: ${waiting} waiting would be refused, ${merged} merged would stay.`,
  );
  if (banned !== null) lines.unshift(`This contributor is banned already: ${banned}`);
  return models.length === 0
    ? [...lines, "Nothing of this contributor waits or was merged."]
    : lines;
}
