import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { Maintainer } from "../../core/protocol/maintainer-client.ts";
import type { RevertStatus } from "../../core/protocol/schemas/admin.ts";
import type { RevertOutlook } from "../../core/protocol/schemas/previews.ts";
import { parseContribution } from "../options.ts";
import { counted, percent, shortHash, tableLines } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { type ActOptions, actCommand, carryOut, modelAt, openMaintainer } from "./act.ts";

const POLL_MS = 1000; // a replay and a gate take seconds

type RevertOptions = ActOptions & {
  /** Whatever the gate says. */
  readonly insist: boolean;
};
/** `commonweight revert`: a merged contribution is taken out of a model again. */
export function revertCommand(terminal: Terminal): Command {
  return actCommand(
    "revert",
    "Take a merged contribution out of a model again.",
    "its contributor and everyone",
  )
    .argument("<model>", "a name, such as digits, or an address")
    .argument("<contribution>", "the contribution to revert", parseContribution)
    .option("--insist", "publish it whatever the gate says", false)
    .action(async (text: string, contribution: string, options: RevertOptions) => {
      const { relay, model } = modelAt(text);
      const { maintainer } = await openMaintainer(relay, options);
      const preview = await outlookOf(maintainer, { model, contribution }, terminal);
      const { reason, insist } = options;
      await carryOut(
        {
          preview,
          outlook: revertLines(preview, insist),
          question: `Take ${shortHash(contribution)} out of ${model}?`,
          perform: () => revert(maintainer, { model, contribution, reason, insist }, terminal),
          told: ({ version, message }) => [
            `Version ${version} of ${model} is without ${shortHash(contribution)}.`,
            ...(message === null ? [] : [`It was published although ${message}.`]),
          ],
          undo: "a contribution that was reverted is not merged again; its contributor can send new work.",
        },
        options,
        terminal,
      );
    });
}

/** Ask what a revert would do and wait until the relay knows. Throws where the relay cannot find out. */
async function outlookOf(
  maintainer: Maintainer,
  wish: { readonly model: string; readonly contribution: string },
  { signal, progress }: Terminal,
): Promise<RevertOutlook> {
  for (;;) {
    const answer = await maintainer.previewRevert(wish, { signal });
    progress(answer.state === "working" ? "The relay replays the history without it …" : null);
    if (answer.state === "ready") return answer.outlook;
    if (answer.state === "failed") throw new Error(`It cannot be reverted: ${answer.message}.`);
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** Ask for a revert and wait until it is decided; the relay goes on with it when this ends earlier. Throws where it is refused. */
async function revert(
  maintainer: Maintainer,
  request: Parameters<Maintainer["requestRevert"]>[0],
  { signal, progress }: Terminal,
): Promise<RevertStatus> {
  let status = await maintainer.requestRevert(request, { signal });
  while (status.state === "waiting") {
    progress("The relay replays the history without it …");
    await sleep(POLL_MS, undefined, { signal });
    status = await maintainer.revert(request.contribution, { signal });
  }
  progress(null);
  if (status.state === "published") return status;
  const advice = request.insist ? "" : "; with --insist the gate's refusal does not count";
  throw new Error(`Not reverted: ${status.message}${advice}`);
}

function revertLines(outlook: RevertOutlook, insist: boolean): string[] {
  const { contributor, version, head, replayed, later, changed, parameters, report } = outlook;
  const { before, after } = report;
  const rows = outlook.tensors.map(({ tensor, changed, norm }) => [
    tensor,
    changed,
    norm.toPrecision(3),
  ]);
  const tests = outlook.tests.map((test) => [
    test.suite,
    `${test.against} ${test.version}`,
    test.decision,
    test.meanDifferenceNats.toFixed(4),
    test.examples,
  ]);
  return [
    `${shortHash(outlook.contribution)} of ${shortHash(contributor)} was merged into version ${version}; its credit of ${outlook.credit.toFixed(1)} would go.`,
    `Version ${head + 1} would be version ${head} without it: ${counted(replayed, "version")} computed anew, ${changed} of ${parameters} parameters changed.`,
    ...tableLines([["tensor", "changed", "norm"], ...rows]),
    `Report set: loss ${before.lossNats.toFixed(4)} → ${after.lossNats.toFixed(4)}, accuracy ${percent(before.accuracy)} → ${percent(after.accuracy)}.`,
    ...tableLines([["suite", "against", "decision", "nats", "examples"], ...tests]),
    `Trained on a version with it: ${counted(later.contributions, "contribution")} of ${counted(later.contributors, "contributor")}. They stay, with what they learnt from it.`,
    verdictLine(outlook.objection, insist),
  ];
}

function verdictLine(objection: string | null, insist: boolean): string {
  if (objection === null) return "The gate passes it.";
  return insist
    ? `It would be published although ${objection}.`
    : `It would be refused, since ${objection}; with --insist that does not count.`;
}
