import { monitorEventLoopDelay } from "node:perf_hooks";
import { mergeWeighted } from "../core/merge/candidate.ts";
import type { Member } from "../core/merge/member.ts";
import { layoutOf } from "../core/models/registry.ts";
import { quantise } from "../core/patch/quantiser.ts";
import { randomPositions } from "../core/patch/random-mask.ts";
import type { Architecture } from "../core/protocol/schemas/recipe.ts";
import { createRandom } from "../core/random.ts";
import { encodeNext } from "../core/tensors/next-checkpoint.ts";
import { openEvaluator } from "../relay-server/threads/open-evaluator.ts";
import type { Row } from "./figures.ts";
import type { BenchOptions } from "./options.ts";

const architecture: Architecture = { kind: "mlp", inputs: 16, hidden: [3100, 3100], outputs: 4 }; // 9.7M parameters
const rules = { rule: "mean", outerStep: 1 } as const;
const DENSITY = 0.05;
const MEMBERS = 10;
const MODEL = "bench";
const HEAD = "head";

/**
 * For how long the relay's thread that answers does nothing else while a cohort is merged and its version encoded: where both
 * run in that thread, and where both run in the model's.
 */
export async function measure({ seed, quick }: BenchOptions): Promise<Row[]> {
  const nowhere = { kind: "folder", path: "", temporary: "" } as const; // no held-out set is read
  const { evaluator, close } = openEvaluator(nowhere);
  try {
    const layout = layoutOf(architecture);
    const parameters = new Float32Array(layout.size).fill(0.01);
    await evaluator.open({ id: MODEL, architecture, hashes: {} });
    await evaluator.load(MODEL, HEAD, parameters);
    const cohort = Array.from({ length: MEMBERS }, (_, i) => memberOf(`${seed} ${i}`, layout.size));
    const members = cohort.map(({ id }) => id);
    const multipliers = cohort.map(() => 4096);
    async function here() {
      await encodeNext(layout, parameters, mergeWeighted(parameters, cohort, multipliers, rules));
    }
    async function there() {
      await evaluator.loadCohort(MODEL, cohort);
      const task = { checkpoint: HEAD, members, multipliers, rules };
      const step = await evaluator.merge(MODEL, task);
      await evaluator.encodeNext(MODEL, { checkpoint: HEAD, layout, step });
    }
    await there(); // the thread has started then
    const rounds = quick ? 3 : 10;
    const [before, after] = [await pausesOf(here, rounds), await pausesOf(there, rounds)];
    const what = `${MEMBERS} own masks of ${100 * DENSITY}% into ${(layout.size / 1e6).toFixed(1)}M parameters`;
    const row = (name: keyof Pauses): Row => ({
      what: `${WORDS[name]}, ${what}`,
      value: after[name],
      unit: "ms",
      against: `${before[name].toFixed(0)} ms where that thread merges`,
    });
    return [row("longestMs"), row("cpuMs")];
  } finally {
    await close();
  }
}

type Pauses = { readonly longestMs: number; readonly cpuMs: number };

const WORDS: Readonly<Record<keyof Pauses, string>> = {
  longestMs: "the longest pause of the thread that answers, while a cohort is merged",
  cpuMs: "what the merge takes of that thread's processor",
};

/** What `work` does to this thread: its longest pause, and its processor time a round. */
async function pausesOf(work: () => Promise<void>, rounds: number): Promise<Pauses> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const before = process.threadCpuUsage();
  delay.enable();
  for (let round = 0; round < rounds; round++) await work();
  delay.disable();
  const { user, system } = process.threadCpuUsage(before); // microseconds
  return { longestMs: delay.max / 1e6, cpuMs: (user + system) / 1000 / rounds };
}

/** A contribution of small random values under a mask of its own. */
function memberOf(id: string, size: number): Member {
  const random = createRandom(id);
  const word = () => random.uint32().toString(16).padStart(8, "0");
  const mask = [word(), word(), word(), word()].join("");
  const positions = randomPositions(mask, Math.floor(DENSITY * size), size);
  const segments = Uint32Array.of(0);
  const delta = Float32Array.from(positions, () => (random.below(2001) - 1000) / 1e5);
  return {
    ...{ id, contributor: id, positions, segments, fisher: null },
    ...quantise(delta, segments),
    ...{ norm: 1, merges: 10, lag: 0, examples: 320 },
  };
}
