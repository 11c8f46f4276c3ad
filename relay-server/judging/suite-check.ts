import { setImmediate as othersTurn } from "node:timers/promises";
import { openSuiteFile, suiteExamples, suiteRows } from "../../core/gate/suite-file.ts";
import { createLeakFinder } from "../../core/gate/suite-leaks.ts";
import { flakyUnits, TWINS } from "../../core/gate/suite-noise.ts";
import { validateSuite } from "../../core/gate/suite-rules.ts";
import type { SuiteFindings } from "../../core/protocol/schemas/suite.ts";
import { decodeExamples } from "../../core/training/examples.ts";
import { type Evaluation, metricsOf } from "../../core/training/metrics.ts";
import { shardFile } from "../content/damage.ts";
import type { Head } from "../history/head.ts";
import type { PipelineParts } from "../parts.ts";
import { isOutage } from "../storage-error.ts";
import { type SuiteEntry, suiteLifeOf } from "../store/sql/suites.ts";

const MOST_FLAKY = 1 / 4; // of the examples: past it the margin does not fit the data

/**
 * Look at the suite that has waited longest (protocol U3, U4): whether volunteers train on its examples, and whether its verdicts
 * are more than chance. It waits for a maintainer then, or is refused. False if there is none.
 */
export async function checkSuiteNext(
  parts: PipelineParts,
  head: Head,
  signal: AbortSignal,
): Promise<boolean> {
  const { history, clock } = parts.context;
  const row = await history.nextSuite(head.model);
  if (row === undefined) return false;
  const found = await lookAt(parts, head, row, signal).catch((error: unknown) => {
    if (signal.aborted || isOutage(error)) throw error; // it is looked at later
    console.error(error);
    return "the relay failed at it; its log says more"; // the model must not stand still for it
  });
  if (typeof found !== "string") await history.noteFindings(row.id, found);
  else await history.refuseSuite(row.id, { message: found, maintainer: null, at: clock() });
  return true;
}

/** What was found, or the sentence that refuses it. */
async function lookAt(
  { context, evaluator }: PipelineParts,
  head: Head,
  row: SuiteEntry,
  signal: AbortSignal,
): Promise<SuiteFindings | string> {
  const { history, damage } = context;
  const { id, header } = suiteLifeOf(row);
  const bytes = await history.suiteBytes(id);
  if (bytes === undefined) return "its file is gone";
  const { architecture, data } = head.recipe;
  const examples = suiteExamples(openSuiteFile(bytes), architecture);
  const { count } = examples;

  const finder = createLeakFinder(examples.kind, data.tokenizer === undefined);
  finder.add(examples);
  for (const shard of await history.shards(head.model)) {
    await othersTurn(undefined, { signal }); // 4 MiB of text take a fifth of a second of this thread
    const file = await damage.read(shardFile(head.model, shard)); // a damaged one is not trained on
    if (file !== null) finder.look(decodeExamples(shard.title, file, architecture));
  }
  const leaked = finder.leaked().length;
  if (leaked > 0) {
    return `${leaked} of its ${count} examples are in the shards that volunteers train on: it would test what was learnt by heart`;
  }

  const name = `check ${id}`;
  await evaluator.loadSuite(head.model, { name, id, bytes, setAside: [] });
  const task = { model: head.model, set: { suite: name }, range: [0, count] } as const;
  const evaluate = (checkpoint: string, twin?: string) => {
    signal.throwIfAborted();
    return evaluator.evaluate({ ...task, checkpoint, step: null, ...(twin && { twin }) });
  };
  const own = await evaluate(head.checkpoint);
  const twins: Float32Array[] = [];
  for (let i = 0; i < TWINS; i++) {
    twins.push((await evaluate(head.checkpoint, `twin ${i} ${head.id}`)).losses);
  }
  const flaky = flakyUnits(own.losses, twins, header.marginNats);
  if (flaky.length > MOST_FLAKY * count) {
    return `equally good models differ by more than ${header.marginNats} nats on ${flaky.length} of its ${count} examples: its verdict would be chance`;
  }
  const fit = validateSuite(header, count - flaky.length, head.recipe);
  if (!fit.ok)
    return `without the ${flaky.length} that equally good models disagree about, ${fit.message}`;
  const release = await evaluate(head.release.checkpoint);
  const rows = suiteRows(id, count, []);
  return {
    version: head.number,
    setAside: flaky.map((unit) => rows[unit]!).sort((a, b) => a - b),
    head: metricsOf(without(own, flaky)),
    release: { version: head.release.number, ...metricsOf(without(release, flaky)) },
  };
}

function without({ losses, correct }: Evaluation, flaky: readonly number[]) {
  const left = new Set(flaky);
  const kept = (values: Float32Array) => values.filter((_, unit) => !left.has(unit));
  return { losses: kept(losses), correct: kept(correct) };
}
