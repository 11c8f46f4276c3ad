import { assert } from "../core/errors.ts";
import { isOwnMask, isSameWork, maskShareOf } from "../core/gate/spot-check.ts";
import { maskCount } from "../core/history/mask-epoch.ts";
import type { ModelSource } from "../core/models/model-source.ts";
import { layoutOf } from "../core/models/registry.ts";
import { randomPositions } from "../core/patch/random-mask.ts";
import { createRandom } from "../core/random.ts";
import { decodeCheckpointFile } from "../core/tensors/checkpoint-file.ts";
import { decodeExamples, type Examples, joinExamples } from "../core/training/examples.ts";
import { chooseOwnMask, estimateOwnFisher } from "../core/training/own-mask.ts";
import { type TrainingTask, trainDelta } from "../core/training/train.ts";
import { openBackend } from "../kernels/backend.ts";
import { openCpu } from "../kernels/cpu/backend.ts";
import { digits } from "../models/digits/data.ts";
import { presidents } from "../models/presidents/data.ts";
import { similarityOf } from "../tests/fixtures/training-task.ts";
import type { Row } from "./figures.ts";
import type { BenchOptions } from "./options.ts";

const SLOW_STEPS = 10; // a step of presidents in plain TypeScript takes seconds …
const SLOW_EXAMPLES = 64; // … and so do a few examples of its Fisher information
const NOISE = 0.01; // far more than backends differ by

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
  await openBackend({ prefer: "cpu" });
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
  rows.push(...(await measureMask(source, task)));
  return rows.map((row) => ({ ...row, what: `${source.recipe.id}: ${row.what}` }));
}

/** What choosing an own mask anew costs, and what it tells apart. */
async function measureMask({ recipe }: ModelSource, task: TrainingTask): Promise<Row[]> {
  const policy = recipe.mask.fisher;
  assert(policy !== undefined, `${recipe.id} has no mask.fisher`);
  const count = task.positions.length;
  const fisherOf = (examples: number, seed = task.seed) =>
    estimateOwnFisher({ ...task, seed }, { ...policy, examples });
  const choose = (fisher: Float32Array) => chooseOwnMask(task, policy, { fisher, count });
  await openBackend({ prefer: "cpu" });
  await fisherOf(2); // warms up
  const before = process.cpuUsage();
  const again = choose(await fisherOf(policy.examples));
  const spent = process.cpuUsage(before); // microseconds
  const row = (what: string, positions: Uint32Array, isOwn: boolean): Row => {
    const value = maskShareOf(positions, again);
    const target = isOwn ? "passes" : "noticed";
    return { what, value, unit: "of the positions", target, holds: isOwnMask(value) === isOwn };
  };
  const noise = createRandom(`noise ${task.seed}`);
  const spoilt = (await fisherOf(policy.examples)).map(
    (value) => value * (1 + NOISE * ((2 * noise.uint32()) / 2 ** 32 - 1)),
  );
  const rows = [
    {
      what: "choosing an own mask on wasm",
      value: (spent.user + spent.system) / 1e6,
      unit: "s",
    },
    row("an own mask by information that is up to a hundredth off", choose(spoilt), true),
    row("by half of the examples", choose(await fisherOf(policy.examples / 2)), false),
    row("by other examples", choose(await fisherOf(policy.examples, task.seed + 1)), false),
    row("the ticket's draw, not weighed", choose(spoilt.fill(1)), false),
  ];
  await openCpu();
  const few = Math.min(policy.examples, SLOW_EXAMPLES);
  const plain = choose(await fisherOf(few));
  await openBackend({ prefer: "cpu" });
  const value = maskShareOf(plain, choose(await fisherOf(few)));
  const holds = isOwnMask(value);
  const what = `an own mask in plain TypeScript, ${few} examples`;
  return [...rows, { what, value, unit: "of the positions", target: "passes", holds }];
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
