import { FormatError } from "../../core/errors.ts";
import { downloadVersion } from "../../core/history/downloaded-version.ts";
import { relaySource } from "../../core/history/history-source.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { JudgingJob } from "../../core/protocol/schemas/judging.ts";
import { encodeCheckpoint } from "../../core/tensors/manifest.ts";
import { decodeAll } from "../../core/training/examples.ts";
import { encodeJudgement, type Judgement, positionsOfJob } from "../../core/training/judgement.ts";
import { nodeThreads } from "../../relay-server/threads/kernel-threads.ts";

const KEPT_SHARDS = 64; // of at most 4 MiB: the jobs of a version share few

/** What becomes of a job while its training takes this thread. */
export type JobOptions = {
  readonly signal: AbortSignal;
  /** Awaited after every step: whatever else this thread has to do is done then. */
  readonly breathe: () => Promise<void>;
};

/** Does jobs on this machine's processor: loads what a job names by its hash, and writes down what the job came to. */
export function createJobRunner(
  client: RelayClient,
): (job: JudgingJob, options: JobOptions) => Promise<Uint8Array<ArrayBuffer>> {
  const shards = new Map<string, Uint8Array>();
  let base: { readonly checkpoint: string; readonly parameters: Float32Array } | null = null;
  let opened: ReturnType<typeof openEngine> | null = null;

  /** The base's parameters [N], which hash to what the job says; the last one's are kept. */
  async function parametersOf({ model, base: asked }: JudgingJob, signal: AbortSignal) {
    if (base?.checkpoint === asked.checkpoint) return base.parameters;
    const source = relaySource(client, model);
    const { layout, parameters } = await downloadVersion(source, source.plan, asked.number, {
      signal,
    });
    const { id } = await encodeCheckpoint(layout, parameters);
    if (id !== asked.checkpoint) {
      throw new FormatError(`version ${asked.number} of ${model} is checkpoint ${id}`);
    }
    base = { checkpoint: id, parameters };
    return parameters;
  }

  async function shardBytes(sha256: string, signal: AbortSignal): Promise<Uint8Array> {
    const bytes = shards.get(sha256) ?? (await client.blob(sha256, { signal }));
    shards.delete(sha256); // its place is at the end
    shards.set(sha256, bytes);
    if (shards.size > KEPT_SHARDS) shards.delete(shards.keys().next().value!);
    return bytes;
  }

  return async (job, { signal, breathe }) => {
    const { architecture, work } = job;
    const parameters = await parametersOf(job, signal);
    const pieces = [];
    for (const { shards: named, seed } of work.pieces) {
      const files = await Promise.all(named.map(({ sha256 }) => shardBytes(sha256, signal)));
      pieces.push({ examples: decodeAll(files, architecture, (i) => `shard ${i}`), seed });
    }
    opened ??= openEngine();
    const engine = await opened;
    const size = parameters.length;
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
  const [{ trainPieces }, ownMasks, { openBackend }] = await Promise.all([
    import("../../core/training/reference-training.ts"),
    import("../../core/training/own-mask.ts"),
    import("../../kernels/backend.ts"),
  ]);
  await openBackend({ prefer: "cpu", threads: nodeThreads() });
  return { trainPieces, ...ownMasks };
}
