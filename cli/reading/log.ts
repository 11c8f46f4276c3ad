import type { Command } from "commander";
import type { VerifiedVersion } from "../../core/history/version.ts";
import { parsePositive } from "../options.ts";
import { counted, minuteOf, percent, shortHash, tableLines } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { ModelAddress } from "./model-address.ts";
import {
  openModel,
  type ReadingOptions,
  readChain,
  readingCommand,
  versionIn,
} from "./open-model.ts";

/** `commonweight log`: the versions of a model, newest first. */
export function logCommand(terminal: Terminal): Command {
  return readingCommand("log", "List the versions of a model, newest first.")
    .option("-n, --number <N>", "only the newest N", parsePositive)
    .action(async (address: ModelAddress, options: ReadingOptions & { number?: number }) => {
      const model = await openModel(address, options);
      const chain = await readChain(model, options, terminal);
      const until = (await versionIn(chain, model, model.version)).record.number;
      const versions = chain
        .slice(0, until + 1)
        .toReversed()
        .slice(0, options.number);
      if (options.json) {
        const listed = versions.map(({ id, record }) => ({ id, ...record }));
        return terminal.print(JSON.stringify({ model: model.source.model, versions: listed }));
      }
      const head = ["version", "id", "published (UTC)", "loss", "accuracy", "what"];
      const [first = "", ...lines] = tableLines([head, ...versions.map(logRow)]);
      terminal.print(terminal.style("bold", first));
      for (const line of lines) terminal.print(line);
    });
}

function logRow({ id, record }: VerifiedVersion): (string | number)[] {
  const { lossNats, accuracy } = record.evaluation.report;
  return [
    record.number,
    shortHash(id),
    minuteOf(record.createdAt),
    lossNats.toFixed(4),
    percent(accuracy),
    changeOf(record),
  ];
}

function changeOf({ merge, revert, lineage }: VerifiedVersion["record"]): string {
  if (revert !== undefined) return `reverts ${revert.contributions.map(shortHash).join(", ")}`;
  const upstream = lineage?.[0];
  if (upstream !== undefined)
    return `forked from ${upstream.url}/${upstream.model}@${upstream.number}`;
  if (merge === null) return "the base";
  const contributors = new Set(merge.inputs.map(({ contributor }) => contributor)).size;
  return `merges ${counted(merge.inputs.length, "contribution")} of ${counted(contributors, "contributor")}`;
}

/** `commonweight show`: one version's record. */
export function showCommand(terminal: Terminal): Command {
  return readingCommand(
    "show",
    "Show one version, such as digits@12: what went in, and what the gate said.",
  ).action(async (address: ModelAddress, options: ReadingOptions) => {
    const model = await openModel(address, options);
    const chain = await readChain(model, options, terminal);
    const { id, record } = await versionIn(chain, model, model.version);
    if (options.json) return terminal.print(JSON.stringify({ id, ...record }));
    for (const line of showLines(id, record, terminal)) terminal.print(line);
  });
}

function showLines(
  id: string,
  record: VerifiedVersion["record"],
  { style }: Terminal,
): readonly string[] {
  const { number, model, parent, createdAt, checkpoint, mask, merge, lineage, evaluation } = record;
  const { report, gate } = evaluation;
  const lines = [
    style("bold", `version ${number} of ${model}`),
    `id          ${id}`,
    `parent      ${parent ?? "none"}`,
    `published   ${minuteOf(createdAt)} UTC`,
    `checkpoint  ${checkpoint}`,
    `mask        ${mask.kind}, ${mask.count} positions`,
    `report      loss ${report.lossNats.toFixed(4)} nats, accuracy ${percent(report.accuracy)} on ${report.examples} examples`,
    `change      ${changeOf(record)}`,
  ];
  for (const { relayKey, id: from, licence, ...each } of lineage ?? []) {
    lines.push(
      `from        ${each.url}/${each.model}@${each.number} (${shortHash(from)}, ${licence}), signed by ${relayKey}`,
    );
  }
  if (merge !== null) {
    const rows = merge.inputs.map(({ contribution, contributor, base, multiplier }) => [
      contribution,
      shortHash(contributor),
      base,
      (multiplier / 4096).toFixed(3),
    ]);
    lines.push(`rule        ${merge.rule}, outer step ${merge.outerStep}`, "");
    lines.push(...tableLines([["contribution", "contributor", "base", "weight"], ...rows]));
  }
  if (gate === null) return lines;
  lines.push(
    "",
    `gate        ${gate.decision} after ${gate.examples} examples, ${gate.meanDifferenceNats.toFixed(4)} nats on average`,
  );
  for (const { suite, against, version, examples, meanDifferenceNats } of gate.tests ?? []) {
    lines.push(
      `  ${suite} against ${against} ${version}: ${meanDifferenceNats.toFixed(4)} nats on ${examples} examples`,
    );
  }
  return lines;
}
