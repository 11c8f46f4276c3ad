/** The thread that trains, so that neither a request nor an evaluation waits for it. */
import { setImmediate } from "node:timers/promises";
import { parentPort } from "node:worker_threads";
import type { Architecture } from "../../core/protocol/schemas/recipe.ts";
import {
  decodeAll,
  decodeExamples,
  type Examples,
  joinExamples,
  sliceExamples,
} from "../../core/training/examples.ts";
import type { FisherPolicy } from "../../core/training/mask-choice.ts";
import type { ReferencePieces, ReferenceTask } from "../../core/training/reference-training.ts";
import { openBackend } from "../../kernels/backend.ts";
import { answerCalls } from "./call-port.ts";
import { nodeThreads } from "./kernel-threads.ts";
import { openOnce } from "./open-once.ts";

export type PieceFiles = {
  /** Shard files, in the piece's order. */
  readonly shards: readonly Uint8Array[];
  readonly seed: number;
};

export type TrainingJob = Omit<ReferenceTask, "pieces"> & {
  readonly pieces: readonly PieceFiles[];
};

export type OwnMaskJob = PieceFiles &
  Pick<MaskJob, "architecture" | "policy" | "parameters" | "count">;

export type MaskJob = {
  readonly architecture: Architecture;
  readonly policy: FisherPolicy;
  /** [N] */
  readonly parameters: Float32Array;
  readonly count: number;
  readonly seed: string;
  /** Shard files, and which of their examples count. */
  readonly runs: readonly {
    readonly file: Uint8Array;
    readonly from: number;
    readonly to: number;
  }[];
  /** The suite's file; null without one. */
  readonly protectedSuite: Uint8Array | null;
};

/** Load tfjs and open its backend. */
const openEngine = openOnce(async () => {
  const [{ trainPieces }, { estimateFisher }, { chooseMask }, ownMasks] = await Promise.all([
    import("../../core/training/reference-training.ts"),
    import("../../core/training/fisher.ts"),
    import("../../core/training/mask-choice.ts"),
    import("../../core/training/own-mask.ts"),
  ]);
  await openBackend({ prefer: "cpu", threads: nodeThreads() });
  return { trainPieces, estimateFisher, chooseMask, ...ownMasks };
});

const readShards = (shards: readonly Uint8Array[], architecture: Architecture) =>
  decodeAll(shards, architecture, (i) => `shard ${i}`);

const trainingThread = {
  /** What the job's pieces come to: [k], or [N] where it names no mask. */
  async train({ pieces, ...job }: TrainingJob): Promise<ReferencePieces> {
    const { trainPieces } = await openEngine();
    const decoded = pieces.map(({ shards, seed }) => ({
      examples: readShards(shards, job.architecture),
      seed,
    }));
    return trainPieces({ ...job, pieces: decoded });
  },
  /** The own mask [k] of a piece. */
  async ownMask({ shards, policy, count, ...piece }: OwnMaskJob): Promise<Uint32Array> {
    const { estimateOwnFisher, chooseOwnMask } = await openEngine();
    const task = { ...piece, examples: readShards(shards, piece.architecture) };
    const fisher = await estimateOwnFisher(task, policy);
    return chooseOwnMask(task, policy, { fisher, count });
  },
  /** A shared mask's positions [k]. Trainings that are asked for meanwhile go first after every batch. */
  async chooseMask({ runs, protectedSuite, ...job }: MaskJob): Promise<Uint32Array> {
    const { estimateFisher, chooseMask } = await openEngine();
    const { architecture } = job;
    const fisherOf = (examples: Examples) =>
      estimateFisher({ ...job, examples }, { onProgress: () => setImmediate() });
    const own = runs.map(({ file, from, to }, i) =>
      sliceExamples(decodeExamples(`shard ${i}`, file, architecture), from, to),
    );
    const fisher = await fisherOf(joinExamples(own));
    const protectedFisher =
      protectedSuite === null
        ? null
        : await fisherOf(decodeExamples("suite", protectedSuite, architecture));
    return chooseMask({ ...job, fisher, protectedFisher });
  },
};
export type TrainingThread = typeof trainingThread;

answerCalls(parentPort!, trainingThread);
