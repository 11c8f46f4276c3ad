import { assert, FormatError } from "../../core/errors.ts";
import { createReferenceAt, type ReferenceAt } from "../../core/gate/reference.ts";
import { maskCount } from "../../core/history/mask-epoch.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { type Mask, mask as maskSchema } from "../../core/protocol/schemas/mask.ts";
import { createRandom } from "../../core/random.ts";
import type { MaskCache } from "../content/masks.ts";
import type { RelayContext, ServedModel } from "../context.ts";
import type { Checkpoints } from "../history/checkpoints.ts";
import type { VersionRow } from "../store/tables.ts";
import { keepThread } from "../threads/lasting-thread.ts";
import type { TrainingJob, TrainingThread } from "../threads/training-thread.ts";
import { drawFisherExamples } from "./fisher-examples.ts";
import { drawReferencePieces } from "./reference-pieces.ts";
import type { Trainer } from "./trainer.ts";

const KEPT_VALUES = 32 << 20; // of references, 4 bytes each: of digits more versions than work may be based on
const IDLE_MS = 10 * 60_000; // then a thread's memory is worth more than its start

type Kept = { readonly reference: Promise<ReferenceAt | null>; readonly values: number };

export type TrainerParts = {
  readonly context: Pick<RelayContext, "ledger" | "blobs" | "heldOut" | "models">;
  readonly checkpoints: Checkpoints;
  readonly positionsOf: MaskCache;
};

/**
 * The trainer, for each model in a thread of its own that its first training starts, so that a slow model keeps no other
 * waiting; one that dies is replaced. What runs when it is closed is rejected at once.
 */
export function openTrainer({ context, checkpoints, positionsOf }: TrainerParts): {
  readonly trainer: Trainer;
  close(): Promise<void>;
} {
  const { ledger, blobs, heldOut, models } = context;
  const threads = new Map<string, ReturnType<typeof keepThread<TrainingThread>>>();
  let isClosed = false;
  const references = new Map<string, Kept>();

  function threadOf(model: string): TrainingThread {
    if (isClosed) throw new Error("the trainer is closed");
    const kept =
      threads.get(model) ??
      keepThread<TrainingThread>(
        new URL("../threads/training-thread.ts", import.meta.url),
        async () => {},
        IDLE_MS,
      );
    threads.set(model, kept);
    return kept.thread;
  }

  function keepReference(version: VersionRow): Promise<ReferenceAt | null> {
    const served = models.get(version.model);
    assert(served !== undefined, `no model ${version.model}`);
    const { score } = served.recipe;
    const mask = parseJson("mask", maskSchema, new TextEncoder().encode(version.mask));
    const length = mask.kind === "own" ? served.layout.size : mask.count;
    const reference = score.references === 0 ? null : trainReference(served, version, mask);
    const made = Promise.resolve(reference);
    references.set(version.id, { reference: made, values: (score.references + 1) * length });
    made.catch(() => references.delete(version.id)); // to be tried again
    let values = 0;
    for (const [id, kept] of Array.from(references).reverse()) {
      values += kept.values;
      if (values > KEPT_VALUES && id !== version.id) references.delete(id);
    }
    return made;
  }

  async function trainReference(
    { recipe, layout }: ServedModel,
    version: VersionRow,
    mask: Mask,
  ): Promise<ReferenceAt> {
    const masked = await positionsOf(layout, mask);
    const drawn = drawReferencePieces(await ledger.shards(recipe.id), recipe, version.id);
    const pieces: TrainingJob["pieces"][number][] = [];
    for (const { shards, seed } of drawn) pieces.push({ shards: await filesOf(shards), seed });
    const trained = await threadOf(recipe.id).train({
      architecture: recipe.architecture,
      parameters: await checkpoints.parametersOf(version),
      positions: masked?.positions ?? null,
      count: mask.count,
      training: recipe.training,
      pieces,
    });
    return createReferenceAt(trained, masked?.positions ?? null);
  }

  function filesOf(shards: readonly { readonly sha256: string }[]): Promise<Uint8Array[]> {
    return Promise.all(
      shards.map(async ({ sha256 }) => {
        const file = await blobs.read(sha256);
        if (file === null) throw new FormatError(`shard ${sha256} is missing or damaged`);
        return file;
      }),
    );
  }

  const trainer: Trainer = {
    reference(version) {
      return references.get(version.id)?.reference ?? keepReference(version);
    },
    async chooseMask({ model, id, parameters }) {
      const served = models.get(model);
      assert(served !== undefined, `no model ${model}`);
      const { recipe, layout } = served;
      const policy = recipe.mask.fisher;
      assert(policy !== undefined, `${model} has no mask.fisher`);
      const seed = `shared mask ${id}`;
      const random = createRandom(`examples of ${seed}`);
      const runs = drawFisherExamples(await ledger.shards(model), policy.examples, random);
      const files = await filesOf(runs.map(({ shard }) => shard));
      const hasSuite = recipe.data.heldOut.protected !== undefined;
      return threadOf(model).chooseMask({
        architecture: recipe.architecture,
        parameters,
        policy,
        count: maskCount(recipe.mask, layout.size),
        seed,
        runs: runs.map(({ from, to }, i) => ({ file: files[i]!, from, to })),
        protectedSuite: hasSuite ? heldOut.paths(model).protected : null,
      });
    },
    async retrain(ticket, positions) {
      const version = await ledger.version(ticket.model, ticket.base.number);
      const served = models.get(ticket.model);
      assert(version !== undefined && served !== undefined, `${ticket.model} has no such version`);
      const { deltas } = await threadOf(ticket.model).train({
        architecture: served.recipe.architecture,
        parameters: await checkpoints.parametersOf(version),
        positions,
        count: positions.length,
        training: ticket.training,
        pieces: [{ shards: await filesOf(ticket.shards), seed: ticket.seed }],
      });
      return deltas[0]!;
    },
  };
  return {
    trainer,
    async close() {
      isClosed = true;
      await Promise.all([...threads.values()].map(({ close }) => close()));
    },
  };
}
