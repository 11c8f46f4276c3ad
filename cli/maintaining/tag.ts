import type { Command } from "commander";
import type { TagPreview } from "../../core/protocol/schemas/previews.ts";
import { parseTag } from "../options.ts";
import { percent } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import {
  type ActOptions,
  actCommand,
  carryOut,
  commandLine,
  modelAt,
  openMaintainer,
} from "./act.ts";

/** `commonweight tag`: a version becomes a release, with the number that its gate's tests allow. */
export function tagCommand(terminal: Terminal): Command {
  return actCommand(
    "tag",
    "Make a version a release: later versions must not be worse than it.",
    "users of the release",
  )
    .argument("<model>", "a model and a version of it, such as digits@12; without one, the newest")
    .argument("[tag]", "its number, such as 1.2.0; without one, what the evidence allows", parseTag)
    .action(async (text: string, given: string | undefined, options: ActOptions) => {
      const { signal } = terminal;
      const { relay, model, version } = modelAt(text);
      const { baseUrl, maintainer } = await openMaintainer(relay, options);
      const number = version === null || version === "head" ? undefined : Number(version);
      if (Number.isNaN(number)) throw new Error(`${version} is a release already: name a number.`);
      const wish = number === undefined ? { model } : { model, version: number };
      const preview = await maintainer.previewTag(wish, { signal });
      const tag = given ?? preview.proposed;
      const request = { model, version: preview.version, tag, reason: options.reason };
      await carryOut(
        {
          preview: { ...preview, tag },
          outlook: tagLines(preview, tag),
          question: `Make version ${preview.version} of ${model} release ${tag}?`,
          perform: () => maintainer.tag(request, { signal }),
          told: () => [`Version ${preview.version} of ${model} is release ${tag}.`],
          undo: commandLine(`untag ${model} ${tag}`, baseUrl, options),
        },
        options,
        terminal,
      );
    });
}

/** `commonweight untag`: a release is none any more. */
export function untagCommand(terminal: Terminal): Command {
  return actCommand("untag", "Take a release back.", "users of the release")
    .argument("<model>", "a name, such as digits, or an address")
    .argument("<tag>", "its number, such as 1.2.0", parseTag)
    .action(async (text: string, tag: string, options: ActOptions) => {
      const { signal } = terminal;
      const { relay, model } = modelAt(text);
      const { client, maintainer } = await openMaintainer(relay, options);
      const { record } = await client.version(model, tag, { signal });
      await carryOut(
        {
          preview: { model, tag, version: record.number },
          outlook: [
            `${tag} is version ${record.number}. Its number would stay taken, and the signed history would say that it was taken back.`,
            "Candidates would be compared with the release before it.",
          ],
          question: `Take release ${tag} of ${model} back?`,
          perform: () => maintainer.untag({ model, tag, reason: options.reason }, { signal }),
          told: () => [`Version ${record.number} of ${model} is release ${tag} no more.`],
          undo: "a number names one version for ever. Tag the version with another one.",
        },
        options,
        terminal,
      );
    });
}

const PROMISES = {
  first: "There is no release yet: the first number is free.",
  patch: "Within the margins of every suite that it was tested on: a patch release.",
  minor: "Within the margins, and tested on suites that the last release was not: a minor release.",
  major: "Its gate did not compare it with the last release: a major release.",
} as const satisfies Record<TagPreview["step"], string>;

function tagLines(preview: TagPreview, tag: string): string[] {
  const { version, last, step, proposed, tests, newSuites, report } = preview;
  const lines = [
    last === null ? "Last release: none." : `Last release: ${last.tag}, version ${last.version}.`,
    ...tests.map(
      ({ suite, examples, meanDifferenceNats }) =>
        `  ${suite}: ${meanDifferenceNats.toFixed(4)} nats against it, on ${examples} examples`,
    ),
  ];
  if (report.before !== null) {
    const { before, after } = report;
    lines.push(
      `Report set: loss ${before.lossNats.toFixed(4)} → ${after.lossNats.toFixed(4)}, accuracy ${percent(before.accuracy)} → ${percent(after.accuracy)}.`,
    );
  }
  if (newSuites.length > 0) lines.push(`New suites: ${newSuites.join(", ")}.`);
  const chosen = tag === proposed ? "" : `; you chose ${tag}`;
  lines.push(PROMISES[step], `Version ${version} can be ${proposed}${chosen}.`);
  return lines;
}
