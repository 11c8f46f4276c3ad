import { Argument, type Command } from "commander";
import { diffCheckpoints, type TensorDiff } from "../../core/history/checkpoint-diff.ts";
import { parametersOf } from "../../core/history/version-parameters.ts";
import { tableLines } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { ModelAddress } from "./model-address.ts";
import {
  openModel,
  type ReadingOptions,
  readChain,
  readingCommand,
  versionIn,
} from "./open-model.ts";

/** `commonweight diff`: what differs between two versions. */
export function diffCommand(terminal: Terminal): Command {
  return readingCommand(
    "diff",
    "Show what differs between two versions: entries touched, distance and largest changes by tensor, losses before and after.",
  )
    .addArgument(new Argument("<a>", "the earlier version: a number or a release"))
    .addArgument(new Argument("[b]", "the later one").default("head"))
    .action((address: ModelAddress, a: string, b: string, options: ReadingOptions) =>
      diff(address, a, b, options, terminal),
    );
}

async function diff(
  address: ModelAddress,
  a: string,
  b: string,
  options: ReadingOptions,
  terminal: Terminal,
): Promise<void> {
  const { print, progress, signal } = terminal;
  const model = await openModel(address, options);
  const { source } = model;
  const chain = await readChain(model, options, terminal);
  const [from, to] = [await versionIn(chain, model, a), await versionIn(chain, model, b)];
  const load = (number: number) =>
    parametersOf(source, chain, number, {
      signal,
      onStep: (done, total) => progress(`version ${number}: step ${done} of ${total}`),
    });
  const before = await load(from.record.number);
  const after = await load(to.record.number);
  progress(null);
  const tensors = diffCheckpoints(before.layout, before.parameters, after.parameters);
  const [reportBefore, reportAfter] = [from, to].map(({ record }) => record.evaluation.report);
  if (options.json) {
    const sides = { from: from.record.number, to: to.record.number };
    const report = { before: reportBefore, after: reportAfter };
    return print(JSON.stringify({ model: source.model, ...sides, report, tensors }));
  }
  const rows = tensors.map(({ tensor, shape, changed, norm, largest }) => [
    tensor,
    `[${shape}]`,
    changed,
    `${((100 * changed) / shape.reduce((size, length) => size * length, 1)).toFixed(2)}%`,
    norm.toPrecision(4),
    largest.map(changeWords).join(", "),
  ]);
  const head = ["tensor", "shape", "changed", "share", "distance", "largest"];
  const [first = "", ...lines] = tableLines([head, ...rows]);
  print(terminal.style("bold", first));
  for (const line of lines) print(line);
  const loss = [reportBefore, reportAfter].map((report) => report!.lossNats.toFixed(4)).join(" → ");
  const right = [reportBefore, reportAfter].map(
    (report) => `${(100 * report!.accuracy).toFixed(2)}%`,
  );
  print(`loss ${loss} nats, accuracy ${right.join(" → ")}`);
}

function changeWords({ index, before, after }: TensorDiff["largest"][number]): string {
  return `[${index}] ${before.toPrecision(3)} → ${after.toPrecision(3)}`;
}
