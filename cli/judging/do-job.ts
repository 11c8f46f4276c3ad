import { LRUCache } from "lru-cache";
import { FormatError } from "../../core/errors.ts";
import { downloadVersion } from "../../core/history/downloaded-version.ts";
import { relaySource } from "../../core/history/history-source.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { JudgingJob } from "../../core/protocol/schemas/judging.ts";
import { nameCheckpoint } from "../../core/tensors/manifest.ts";
import { doEvaluationJob } from "../../core/training/evaluation-job.ts";
import { decodeAll } from "../../core/training/examples.ts";
import { encodeJudgement, type Judgement, positionsOfJob } from "../../core/training/judgement.ts";
import { nodeThreads } from "../../relay-server/threads/kernel-threads.ts";

const KEPT_BYTES = 256 << 20; // the jobs of a version share few files: shards of 4 MiB, and steps of tens
const KEPT_BASES = 3; // the head, the last release and the best version since

/** What becomes of a job while its training takes this thread. */
export type JobOptions = {
  readonly signal: AbortSignal;
  /** Awaited after every step: whatever else this thread has to do is done then. */
  readonly breathe: () => Promise<void>;
  /** A file that the job names by its hash, and that the relay gives to nobody else. */
  readonly input: (sha256: string) => Promise<Uint8Array<ArrayBuffer>>;
};

/** Does jobs on this machine's processor: loads what a job names by its hash, and writes down what the job came to. */
export function createJobRunner(
  client: RelayClient,
): (job: JudgingJob, options: JobOptions) => Promise<Uint8Array<ArrayBuffer>> {
  const files = new LRUCache<string, Uint8Array>({
    maxSize: KEPT_BYTES,
    sizeCalculation: ({ length }) => length,
  });
  const bases = new LRUCache<string, Float32Array>({ max: KEPT_BASES });
  let opened: ReturnType<typeof openEngine> | null = null;

  /** The base's parameters [N], which hash to what the job says. */
  async function parametersOf({ model, base: asked }: JudgingJob, signal: AbortSignal) {
    const kept = bases.get(asked.checkpoint);
    if (kept !== undefined) return kept;
    const source = relaySource(client, model);
    const { layout, parameters } = await downloadVersion(source, source.plan, asked.number, {
      signal,
    });
    const { id } = await nameCheckpoint(layout, parameters);
    if (id !== asked.checkpoint) {
      throw new FormatError(`version ${asked.number} of ${model} is checkpoint ${id}`);
    }
    bases.set(id, parameters);
    return parameters;
  }

  async function kept(
    sha256: string,
    load: (sha256: string) => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    const bytes = files.get(sha256) ?? (await load(sha256));
    files.set(sha256, bytes);
    return bytes;
  }

  return async (job, { signal, breathe, input }) => {
    const { architecture, work } = job;
    const base = await parametersOf(job, signal);
    opened ??= openEngine();
    const engine = await opened;
    const size = base.length;
    if (work.kind === "evaluate") {
      const { evaluate } = engine;
      const task = { architecture, base, input: (hash: string) => kept(hash, input), evaluate };
      const evaluation = await doEvaluationJob(work, task, { signal, onBatch: breathe });
      return encodeJudgement(job.id, { kind: "evaluate", ...evaluation }, size);
    }
    const parameters = base;
    const pieces = [];
    for (const { shards: named, seed } of work.pieces) {
      const blob = (sha256: string) => client.blob(sha256, { signal });
      const shards = await Promise.all(named.map(({ sha256 }) => kept(sha256, blob)));
      pieces.push({ examples: decodeAll(shards, architecture, (i) => `shard ${i}`), seed });
    }
    const { count } = work;
    let judgement: Judgement;
    if (work.kind === "train") {
      const positions = positionsOfJob(work, size);
      const task = { architecture, parameters, positions, count, training: work.training, pieces };
      judgement = {
        kind: "train",
        ...(await engine.trainPieces(task, { signal, onStep: breathe })),
      };
    } else {
      const task = { architecture, parameters, ...pieces[0]! }; // the schema asks for one
      const options = { signal, onProgress: breathe };
      const fisher = await engine.estimateOwnFisher(task, work.policy, options);
      const positions = engine.chooseOwnMask(task, work.policy, { fisher, count });
      judgement = { kind: "own-mask", positions };
    }
    return encodeJudgement(job.id, judgement, size);
  };
}

/** Load tfjs and open the processor's backend, for the first job. */
async function openEngine() {
  const [{ trainPieces }, ownMasks, { evaluate }, { openBackend }] = await Promise.all([
    import("../../core/training/reference-training.ts"),
    import("../../core/training/own-mask.ts"),
    import("../../core/training/evaluate.ts"),
    import("../../kernels/backend.ts"),
  ]);
  await openBackend({ prefer: "cpu", threads: nodeThreads() });
  return { trainPieces, evaluate, ...ownMasks };
}
