import type { Command } from "commander";
import {
  type RevertCertificate,
  revertCertificate,
} from "../../core/history/revert-certificate.ts";
import { parseContribution } from "../options.ts";
import { counted, shortHash, tableLines } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { ModelAddress } from "./model-address.ts";
import {
  openModel,
  type ReadingOptions,
  readChain,
  readingCommand,
  versionIn,
} from "./open-model.ts";

/** `commonweight certificate`: who learnt from a contribution that was reverted, and is still in the model. */
export function certificateCommand(terminal: Terminal): Command {
  return readingCommand(
    "certificate",
    "Say of a reverted contribution which later ones were trained on a version with it, and whether one of them is left in the model.",
  )
    .argument("<contribution>", "a contribution that was reverted", parseContribution)
    .action(async (address: ModelAddress, contribution: string, options: ReadingOptions) => {
      const model = await openModel(address, options);
      const chain = await readChain(model, options, terminal);
      const { record } = await versionIn(chain, model, model.version);
      const records = chain.slice(0, record.number + 1).map((version) => version.record);
      const found = revertCertificate(records, contribution);
      const name = shortHash(contribution);
      if (found === "unknown") {
        throw new Error(`${name} was never merged into ${model.source.model}.`);
      }
      if (found === "merged")
        throw new Error(`${name} is in ${model.source.model}: nobody reverted it.`);
      if (options.json)
        return terminal.print(JSON.stringify({ model: model.source.model, ...found }));
      for (const line of certificateLines(found, model.source.model)) terminal.print(line);
    });
}

function certificateLines(found: RevertCertificate, model: string): string[] {
  const { contribution, contributor, version, reverted, learners, left } = found;
  const rows = learners.map((each) => [
    shortHash(each.contribution),
    shortHash(each.contributor),
    each.base,
    each.version,
    each.reverted === null ? "in the model" : `taken out by version ${each.reverted}`,
  ]);
  return [
    `${shortHash(contribution)} of ${shortHash(contributor)} was merged into version ${version} and taken out by version ${reverted}.`,
    `Trained on a version with it: ${counted(learners.length, "later contribution")}.`,
    ...(rows.length === 0
      ? []
      : tableLines([["contribution", "contributor", "base", "version", "now"], ...rows])),
    left === 0
      ? "Closed: none of them is in the model."
      : `Open: ${counted(left, "contribution")} left in the model. A maintainer takes one out with "npx commonweight revert ${model} CONTRIBUTION"; its shards are then among the first that are handed out again.`,
  ];
}
