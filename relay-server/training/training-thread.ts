/** The thread that trains, so that neither a request nor an evaluation waits for it. */
import { parentPort } from "node:worker_threads";
import type { Reference } from "../../core/gate/reference.ts";
import type { Architecture, Training } from "../../core/protocol/schemas/recipe.ts";
import { decodeExamples, joinExamples } from "../../core/training/examples.ts";
import { answerCalls } from "../threads/call-port.ts";
import { openWasm } from "../threads/open-wasm.ts";

export type TrainingJob = {
  readonly architecture: Architecture;
  /** The base [N]. */
  readonly parameters: Float32Array;
  /** The mask [k]. */
  readonly positions: Uint32Array;
  readonly training: Training;
  readonly pieces: readonly {
    /** Shard files, in the piece's order. */
    readonly shards: readonly Uint8Array[];
    readonly seed: number;
  }[];
};

let engine: ReturnType<typeof openEngine> | null = null;

/** Load tfjs and open its backend, once. */
async function openEngine() {
  const { trainReference } = await import("../../core/training/reference-training.ts");
  await openWasm();
  return { trainReference };
}

const trainingThread = {
  /** The reference that the job's pieces make. */
  async train({ pieces, ...job }: TrainingJob): Promise<Reference> {
    engine ??= openEngine();
    const { trainReference } = await engine;
    const decoded = pieces.map(({ shards, seed }) => ({
      examples: joinExamples(
        shards.map((file, i) => decodeExamples(`shard ${i}`, file, job.architecture)),
      ),
      seed,
    }));
    return trainReference({ ...job, pieces: decoded });
  },
};
export type TrainingThread = typeof trainingThread;

answerCalls(parentPort!, trainingThread);
