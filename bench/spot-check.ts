import { isSameWork } from "../core/gate/spot-check.ts";
import { maskCount } from "../core/history/mask-epoch.ts";
import type { ModelSource } from "../core/models/model-source.ts";
import { layoutOf } from "../core/models/registry.ts";
import { randomPositions } from "../core/patch/random-mask.ts";
import { decodeCheckpointFile } from "../core/tensors/checkpoint-file.ts";
import { decodeExamples, type Examples, joinExamples } from "../core/training/examples.ts";
import { type TrainingTask, trainDelta } from "../core/training/train.ts";
import { openBackend } from "../kernels/backend.ts";
import { openCpu } from "../kernels/cpu/backend.ts";
import { digits } from "../models/digits/data.ts";
import { presidents } from "../models/presidents/data.ts";
import { similarityOf } from "../tests/fixtures/training-task.ts";
import { WASM_FOLDER } from "../tests/fixtures/wasm-folder.ts";
import type { Row } from "./figures.ts";
import type { BenchOptions } from "./options.ts";

const SLOW_STEPS = 10; // a step of presidents in plain TypeScript takes seconds

/** What a second training of a shipped model's ticket costs, and what it tells apart. Quick: digits alone. */
export async function measure({ seed, quick }: BenchOptions): Promise<Row[]> {
  const rows: Row[] = [];
  for (const source of quick ? [digits] : [digits, presidents]) {
    rows.push(...(await measureModel(source, seed)));
  }
  return rows;
}

async function measureModel(source: ModelSource, seed: number): Promise<Row[]> {
  const task = await firstTicket(source, seed);
  const { steps } = task.training;
  const withSteps = (steps: number) =>
    trainDelta({ ...task, training: { ...task.training, steps } });
  await openBackend({ prefer: "cpu", wasmFolder: WASM_FOLDER });
  await withSteps(2); // warms up
  const { user, system } = process.cpuUsage();
  const { delta } = await trainDelta(task);
  const spent = process.cpuUsage({ user, system }); // microseconds
  const rows: Row[] = [
    { what: "a second training on wasm", value: (spent.user + spent.system) / 1e6, unit: "s" },
  ];
  const judge = (what: string, sent: Float32Array) => {
    const comparison = similarityOf(task, sent, delta);
    const { cosine: value, normRatio } = comparison;
    const against = `length ${normRatio.toFixed(3)}`;
    const holds = !isSameWork(comparison);
    rows.push({ what, value, unit: "cosine", target: "noticed", holds, against });
  };
  for (const share of [0.5, 0.75, 0.9]) {
    const done = Math.round(steps * share);
    const short = (await withSteps(done)).delta;
    const { normRatio } = similarityOf(task, short, delta);
    const drawnOut = short.map((value) => value / normRatio);
    judge(`${done} of ${steps} steps, drawn out to the full length`, drawnOut);
    if (share === 0.5)
      judge(
        "half of the steps, doubled",
        short.map((value) => 2 * value),
      );
  }
  const other = await trainDelta({ ...task, seed: task.seed + 1 });
  judge("the examples in another order", other.delta);
  const first = { ...task, training: { ...task.training, steps: SLOW_STEPS } };
  const onWasm = (await trainDelta(first)).delta;
  await openCpu();
  const { cosine } = similarityOf(task, (await trainDelta(first)).delta, onWasm);
  const what = `${SLOW_STEPS} steps in plain TypeScript`;
  rows.push({ what, value: cosine, unit: "cosine", target: ">= 0.999", holds: cosine >= 0.999 });
  return rows.map((row) => ({ ...row, what: `${source.recipe.id}: ${row.what}` }));
}

/** A ticket on the base and the first shards. */
async function firstTicket(source: ModelSource, seed: number): Promise<TrainingTask> {
  const { architecture, data, mask, training } = source.recipe;
  const layout = layoutOf(architecture);
  const shards: Examples[] = [];
  for await (const { title, bytes } of source.shards()) {
    shards.push(decodeExamples(title, bytes, architecture));
    if (shards.length === data.shardsPerTicket) break;
  }
  const maskSeed = seed.toString(16).padStart(32, "0");
  return {
    architecture,
    parameters: decodeCheckpointFile("base", await source.base(), layout),
    positions: randomPositions(maskSeed, maskCount(mask, layout.size), layout.size),
    examples: joinExamples(shards),
    training,
    seed,
  };
}
