import { firstBadVersion } from "../core/history/bisect.ts";
import { blameWeights } from "../core/history/blame.ts";
import type { HistorySource } from "../core/history/history-source.ts";
import { createPatchReader } from "../core/history/merged-patches.ts";
import { pullVersion } from "../core/history/pull-version.ts";
import { readVerifiedChain } from "../core/history/verified-chain.ts";
import { verifyHistory } from "../core/history/verify-history.ts";
import { parametersOf } from "../core/history/version-parameters.ts";
import { layoutOf } from "../core/models/registry.ts";
import { unionOfMasks } from "../core/patch/named-masks.ts";
import { quantise } from "../core/patch/quantiser.ts";
import type { Recipe } from "../core/protocol/schemas/recipe.ts";
import { createRandom } from "../core/random.ts";
import {
  applyDeltaStepInPlace,
  encodeDeltaStep,
  movedValues,
  STEP_SEGMENTS,
} from "../core/tensors/delta-step.ts";
import { encodeDifference } from "../core/tensors/difference.ts";
import { valuesAt } from "../core/tensors/values-at.ts";
import { digits } from "../models/digits/data.ts";
import { presidents } from "../models/presidents/data.ts";
import { type HistoryEvent, signedHistory } from "../tests/fixtures/signed-history.ts";
import { judgedRow, type Row } from "./figures.ts";
import type { BenchOptions } from "./options.ts";

const CONTRIBUTIONS = 10; // a version
const REVERT_EVERY = 50; // versions
const GPT2_SMALL = 124_439_808; // parameters
const SEVERAL = 8; // versions: a mask's, where an epoch is that long
const MB = 1e6;

/**
 * What a reader of a history pays: verify, blame, pull and bisect, over 500 versions of digits (quick: 60) and 30 of
 * presidents (quick: 6). The histories have the recipes' layouts, masks and rules and signed patches of random values,
 * and every fiftieth version is a revert; they lie in memory, so that times are work, not a network's.
 */
export async function measure({ seed, quick }: BenchOptions): Promise<Row[]> {
  return [
    ...(await readingRows(digits.recipe, quick ? 60 : 500, seed)),
    ...(await readingRows(presidents.recipe, quick ? 6 : 30, seed)),
    ...commonMaskRows(seed),
  ];
}

async function readingRows(recipe: Recipe, versions: number, seed: number): Promise<Row[]> {
  const { density, kind } = recipe.mask;
  const layout = layoutOf(recipe.architecture);
  const history = await signedHistory(eventsOf(versions), {
    seed,
    layout,
    density,
    kind: kind === "own" ? "own" : "random",
    rule: recipe.merge.rule,
    contributors: 20,
  });
  const name = `${versions} versions of ${recipe.id}`;
  const read = counting(history.source);
  const head = history.versions.length - 1;
  const seconds = async (work: () => Promise<unknown>) => {
    const start = performance.now();
    await work();
    return (performance.now() - start) / 1000;
  };

  let peakBytes = 0;
  const before = usedBytes();
  const verifySeconds = await seconds(() =>
    verifyHistory(read.source, {
      pin: null,
      onProgress: () => {
        peakBytes = Math.max(peakBytes, usedBytes() - before);
      },
    }),
  );
  const verifyBytes = read.bytes();
  const chain = await readVerifiedChain(history.source, { pin: null });
  const blameSeconds = await seconds(() =>
    blameWeights({
      layout,
      base: history.parameters[0]!,
      records: chain.slice(1).map(({ record }) => record),
      positions: Uint32Array.from({ length: 64 }, (_, i) => i),
      patchesOf: createPatchReader(history.source, layout, chain),
    }),
  );
  const held = { number: head - 1, layout, parameters: history.parameters[head - 1]! };
  const pulling = counting(history.source);
  const pullSeconds = await seconds(() => pullVersion(pulling.source, head, { held, pin: null }));
  const guilty = Math.ceil(0.7 * head);
  let tests = 0;
  const bisectSeconds = await seconds(() =>
    firstBadVersion(0, head, async (number) => {
      tests++;
      await parametersOf(history.source, chain, number);
      return number < guilty;
    }),
  );
  const row = (what: string, value: number, unit: string, against?: string): Row => ({
    what: `${name}: ${what}`,
    value,
    unit,
    ...(against === undefined ? {} : { against }),
  });
  return [
    judgedRow(row("verify", verifySeconds, "s"), "<=", 60),
    row("read by verify", verifyBytes / MB, "MB"),
    row("memory of verify, more than before", peakBytes / MB, "MB"),
    row("blame 64 weights", blameSeconds, "s"),
    row("pull the next version", pullSeconds, "s"),
    row(
      "read by that pull",
      pulling.bytes() / MB,
      "MB",
      `${((4 * layout.size) / MB).toFixed(3)} whole`,
    ),
    row("bisect, without the test itself", bisectSeconds, "s", `${tests} versions looked at`),
  ];
}

/** Of objects and buffers, what is waiting to be collected among them. */
function usedBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/**
 * A model as large as GPT-2 small under a common mask of 0.5%: its delta step, and what several come to. Weights are even in
 * ±0.1, and each step moves a weight by up to 0.001.
 */
function commonMaskRows(seed: number): Row[] {
  const count = Math.round(0.005 * GPT2_SMALL);
  const mask = { kind: "random", seed: seed.toString(16).padStart(32, "0"), count } as const;
  const positions = unionOfMasks([mask], GPT2_SMALL);
  const random = createRandom(seed);
  const even = (most: number) => ((random.below(2001) - 1000) / 1000) * most;
  const before = new Float32Array(GPT2_SMALL);
  for (const position of positions) before[position] = even(0.1);
  const after = new Float32Array(before);
  const stepOf = () => {
    const quantised = quantise(
      Float32Array.from(positions, () => even(0.001)),
      STEP_SEGMENTS,
    );
    return { positions, values: movedValues(after, positions, quantised), quantised };
  };
  const first = stepOf();
  const stepBytes = encodeDeltaStep({ ...first, masks: [mask] }, GPT2_SMALL).length;
  const written = encodeDeltaStep(first, GPT2_SMALL).length;
  applyDeltaStepInPlace(after, first);
  for (let step = 1; step < SEVERAL; step++) applyDeltaStepInPlace(after, stepOf());
  const sum = { positions, values: valuesAt(after, positions), masks: [mask] };
  const difference = encodeDifference(sum, before).length;
  return [
    judgedRow(
      {
        what: "GPT-2 small: one delta step, common mask 0.5%",
        value: stepBytes / MB,
        unit: "MB",
        against: `${(written / MB).toFixed(3)} with its positions; ${((4 * GPT2_SMALL) / MB).toFixed(0)} whole`,
      },
      "<=",
      0.35,
    ),
    judgedRow(
      {
        what: `GPT-2 small: ${SEVERAL} versions on that mask in one go`,
        value: difference / MB,
        unit: "MB",
        against: `${((SEVERAL * stepBytes) / MB).toFixed(3)} in ${SEVERAL} steps`,
      },
      "<=",
      Number(((SEVERAL * stepBytes) / MB).toFixed(3)),
    ),
  ];
}

function eventsOf(versions: number): HistoryEvent[] {
  return Array.from({ length: versions - 1 }, (_, i) =>
    (i + 1) % REVERT_EVERY === 0 ? { revert: i } : { merge: CONTRIBUTIONS },
  );
}

/** `source`, and how many bytes of blobs and records were read from it. */
function counting(source: HistorySource): { source: HistorySource; bytes(): number } {
  let bytes = 0;
  return {
    bytes: () => bytes,
    source: {
      ...source,
      async version(number, options) {
        const version = await source.version(number, options);
        bytes += JSON.stringify(version).length;
        return version;
      },
      async blob(id, options) {
        const blob = await source.blob(id, options);
        bytes += blob.length;
        return blob;
      },
    },
  };
}
