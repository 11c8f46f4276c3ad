import { availableParallelism } from "node:os";
import { zeros } from "@tensorflow/tfjs-core";
import { layoutOf, modelOf } from "../core/models/registry.ts";
import { randomPositions } from "../core/patch/random-mask.ts";
import type { TransformerArchitecture } from "../core/protocol/schemas/transformer.ts";
import { createRandom } from "../core/random.ts";
import { evaluate } from "../core/training/evaluate.ts";
import { largestTensor } from "../core/training/footprint.ts";
import type { TextExamples } from "../core/training/text-examples.ts";
import { closeTraining, openTraining, takeStep } from "../core/training/training-session.ts";
import { openBackend } from "../kernels/backend.ts";
import { nodeThreads } from "../relay-server/threads/kernel-threads.ts";
import { GPT2_SMALL, SMOLLM2_135M } from "../tests/fixtures/known-transformers.ts";
import { judgedRow, type Row } from "./figures.ts";
import type { BenchOptions } from "./options.ts";
import { measureBytes } from "./size-bytes.ts";
import { watchTensorBytes } from "./training/stage.ts";

const BATCH = 4;
const WINDOW = 256;
const DENSITY = 0.005;
const MIB = 2 ** 20;

const MODELS: readonly (readonly [name: string, architecture: TransformerArchitecture])[] = [
  ["GPT-2 small", { ...GPT2_SMALL, input: { ...GPT2_SMALL.input, window: WINDOW } }],
  ["SmolLM2-135M", SMOLLM2_135M],
];

/** A step, an evaluation and the memory of models that people use, on all of the processor's cores: exact shapes, seeded weights. */
export async function measure({ seed, quick }: BenchOptions): Promise<Row[]> {
  await openBackend({ prefer: "cpu", threads: nodeThreads() });
  const rows: Row[] = [];
  for (const [name, architecture] of MODELS) {
    rows.push(...(await measureModel(name, architecture, { seed, steps: quick ? 1 : 3 })));
  }
  return rows;
}

async function measureModel(
  name: string,
  architecture: TransformerArchitecture,
  { seed, steps }: { readonly seed: number; readonly steps: number },
): Promise<Row[]> {
  const { size } = layoutOf(architecture);
  const parameters = seededParameters(size, seed);
  const masked = Math.floor(size * DENSITY);
  const positions = randomPositions(seed.toString(16).padStart(32, "0"), masked, size);
  const examples = seededText(architecture, seed);
  const moved = await measureBytes(name, architecture, { parameters, density: DENSITY, seed });
  const model = modelOf(architecture);
  const indices = Uint32Array.from({ length: BATCH }, (_, row) => row);
  const session = openTraining(model, parameters, positions, null);
  const log = zeros([1]);
  const times: number[] = [];
  const stopWatching = watchTensorBytes();
  const work = { all: process.cpuUsage(), asking: process.threadCpuUsage() };
  for (let step = 1; step <= steps; step++) {
    const from = performance.now();
    const batch = model.batch(examples, indices);
    takeStep(session, batch, { step, learningRate: 0.001, log, index: 0 });
    times.push(performance.now() - from);
  }
  const allMs = millisecondsOf(process.cpuUsage(work.all)) / steps;
  const askingMs = millisecondsOf(process.threadCpuUsage(work.asking)) / steps;
  const peakBytes = stopWatching();
  const [loss = Number.NaN] = await log.data();
  log.dispose();
  closeTraining(session);
  if (!Number.isFinite(loss)) throw new Error(`${name}: a loss of ${loss}`);
  const from = performance.now();
  const evaluating = { all: process.cpuUsage(), asking: process.threadCpuUsage() };
  await evaluate({ architecture, parameters, examples });
  const evaluationMs = performance.now() - from;
  const evaluationShare =
    millisecondsOf(process.cpuUsage(evaluating.all)) /
    millisecondsOf(process.threadCpuUsage(evaluating.asking));
  const stepMs = times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
  const tokens = BATCH * WINDOW;
  const largest = largestTensor(architecture, { batch: BATCH, masked });
  const stepRate = (1000 * tokens) / stepMs;
  const evaluationRate = (1000 * tokens) / evaluationMs;
  const what = (of: string) => `${name}, ${BATCH} × ${WINDOW} tokens, 0.5%: ${of}`;
  return [
    ...moved,
    { what: what("a step"), value: stepMs / 1000, unit: "s" },
    { what: what("training"), value: stepRate, unit: "tokens/s" },
    judgedRow(
      {
        what: what("processor time of all threads against the one that asks"),
        value: allMs / askingMs,
        unit: "times",
        against: `${(allMs / 1000).toFixed(1)} s of ${availableParallelism()} cores, ${(askingMs / 1000).toFixed(1)} s of that thread`,
      },
      ">=",
      1.7,
    ),
    judgedRow(
      { what: what("all tensors of a step, at most"), value: peakBytes / 1e9, unit: "GB" },
      "<=",
      1,
    ),
    judgedRow(
      {
        what: what("evaluation against training"),
        value: evaluationRate / stepRate,
        unit: "times",
      },
      ">=",
      1.8,
    ),
    judgedRow(
      {
        what: what("evaluation, processor time of all threads against the one that asks"),
        value: evaluationShare,
        unit: "times",
      },
      ">=",
      1.7,
    ),
    judgedRow(
      {
        what: what(`largest tensor, ${largest.name}`),
        value: largest.sizeBytes / MIB,
        unit: "MiB",
      },
      "<=",
      128,
    ),
    {
      what: what("this process, at most"),
      value: process.resourceUsage().maxRSS / 1024,
      unit: "MiB",
    },
  ];
}

function millisecondsOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

/** Uniform with a spread of 0.02, exact in bf16: neither speed nor memory depend on what they are. */
function seededParameters(size: number, seed: number): Float32Array {
  const random = createRandom(seed);
  const parameters = new Float32Array(size);
  for (let p = 0; p < size; p++) parameters[p] = (random.uint32() / 2 ** 31 - 1) * 0.035;
  const bits = new Uint32Array(parameters.buffer);
  for (let p = 0; p < size; p++) bits[p]! &= 0xffff_0000;
  return parameters;
}

function seededText({ input }: TransformerArchitecture, seed: number): TextExamples {
  const random = createRandom(`text ${seed}`);
  const vocabulary = input.kind === "tokens" ? input.vocabulary : 1;
  const length = WINDOW + 1;
  const tokens = Uint16Array.from({ length: BATCH * length }, () => random.below(vocabulary));
  return { kind: "text", count: BATCH, length, tokens };
}
