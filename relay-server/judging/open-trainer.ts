import { assert } from "../../core/errors.ts";
import { createReferenceAt, type ReferenceAt } from "../../core/gate/reference.ts";
import { encodeHex } from "../../core/hex.ts";
import { maskCount } from "../../core/history/mask-epoch.ts";
import { encodePositions } from "../../core/patch/positions.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import type { JobWork } from "../../core/protocol/schemas/judging.ts";
import { type Mask, mask as maskSchema } from "../../core/protocol/schemas/mask.ts";
import type { Shard, Ticket } from "../../core/protocol/schemas/ticket.ts";
import { createRandom } from "../../core/random.ts";
import type { Judgement } from "../../core/training/judgement.ts";
import { damagedError, shardFile } from "../content/damage.ts";
import type { MaskCache } from "../content/masks.ts";
import type { RelayContext, ServedModel } from "../context.ts";
import type { Checkpoints } from "../history/checkpoints.ts";
import type { ShardRow, VersionRow } from "../store/tables.ts";
import { keepThread } from "../threads/lasting-thread.ts";
import type { PieceFiles, TrainingThread } from "../threads/training-thread.ts";
import { drawFisherExamples } from "./fisher-examples.ts";
import type { Jobs } from "./jobs.ts";
import { drawReferencePieces } from "./reference-pieces.ts";
import type { SharedWork } from "./shared-work.ts";
import type { Trainer } from "./trainer.ts";

const KEPT_VALUES = 32 << 20; // of references, 4 bytes each: of digits more versions than work may be based on
const IDLE_MS = 10 * 60_000; // then a thread's memory is worth more than its start

type Kept = {
  readonly reference: Promise<ReferenceAt | null>;
  readonly values: number;
  /** The judge that trained it; null if the relay did. */
  judge: string | null;
};

export type TrainerParts = {
  readonly context: Pick<
    RelayContext,
    "history" | "heldOut" | "models" | "damage" | "referenceSeeds"
  >;
  readonly checkpoints: Checkpoints;
  readonly positionsOf: MaskCache;
  readonly share: SharedWork;
  readonly isAnybodyThere: Jobs["isAnybodyThere"];
};

/** A mask as a job names it. */
function inHex(positions: Uint32Array | null, size: number): string | null {
  return positions === null ? null : encodeHex(encodePositions(positions, size));
}

/** A shard as tickets and jobs name it. */
function shardOf({ position, sha256, size_bytes, examples, title }: ShardRow): Shard {
  return { index: position, sha256, sizeBytes: size_bytes, examples, title };
}

/** A reference is of a version, and of the training that work on it has now. */
function nameOf({ id }: VersionRow, { recipe }: ServedModel): string {
  return `${id} ${recipe.score.references} ${JSON.stringify(recipe.training)}`;
}

/**
 * The trainer, for each model in a thread of its own that its first training starts, so that a slow model keeps no other
 * waiting; one that dies is replaced. What runs when it is closed is rejected at once.
 */
export function openTrainer({
  context,
  checkpoints,
  positionsOf,
  share,
  isAnybodyThere,
}: TrainerParts): {
  readonly trainer: Trainer;
  close(): Promise<void>;
} {
  const { history, heldOut, models, damage, referenceSeeds } = context;
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

  function keepReference(
    version: VersionRow,
    served: ServedModel,
    isCertain: boolean,
  ): Promise<ReferenceAt | null> {
    const { score } = served.recipe;
    const mask = parseJson("mask", maskSchema, new TextEncoder().encode(version.mask));
    const length = mask.kind === "own" ? served.layout.size : mask.count;
    const trained =
      score.references === 0
        ? Promise.resolve({ at: null, judge: null })
        : trainReference(served, version, mask, isCertain);
    const made = trained.then(({ at }) => at);
    const name = nameOf(version, served);
    const kept: Kept = { reference: made, values: (score.references + 1) * length, judge: null };
    references.set(name, kept);
    void trained.then(({ judge }) => Object.assign(kept, { judge })).catch(() => {}); // `made` tells of it
    made.catch(() => references.delete(name)); // to be tried again
    let values = 0;
    for (const [id, kept] of Array.from(references).reverse()) {
      values += kept.values;
      if (values > KEPT_VALUES && id !== name) references.delete(id);
    }
    return made;
  }

  async function trainReference(
    { recipe, layout }: ServedModel,
    version: VersionRow,
    mask: Mask,
    isCertain: boolean,
  ): Promise<{ readonly at: ReferenceAt; readonly judge: string | null }> {
    const masked = await positionsOf(layout, mask);
    const secret = await referenceSeeds.seedOf(version);
    const drawn = await drawSound(recipe.id, (shards) =>
      drawReferencePieces(shards, recipe, secret),
    );
    const pieces = drawn.map(({ one, files }) => ({ shards: files, seed: one.seed }));
    const positions = masked?.positions ?? null;
    const { count } = mask;
    const { architecture, training } = recipe;
    const { judgement, judge } = await share(
      {
        model: recipe.id,
        architecture,
        base: { number: version.number, checkpoint: version.checkpoint },
        work: {
          kind: "train",
          positions: inHex(positions, layout.size),
          count,
          training,
          pieces: drawn.map(({ one }) => ({ shards: one.shards.map(shardOf), seed: one.seed })),
        },
      },
      {
        size: layout.size,
        isCertain,
        own: async () => {
          const parameters = await checkpoints.parametersOf(version);
          const task = { architecture, parameters, positions, count, training, pieces };
          return { kind: "train", ...(await threadOf(recipe.id).train(task)) };
        },
      },
    );
    assert(judgement.kind === "train", "a reference is trained");
    return { at: createReferenceAt(judgement, positions), judge };
  }

  /** What is drawn of a model's shards, with their files: what turns out damaged is noted, and it is drawn anew without it. */
  async function drawSound<T extends { readonly shards: readonly ShardRow[] }>(
    model: string,
    draw: (shards: readonly ShardRow[]) => readonly T[],
  ): Promise<{ readonly one: T; readonly files: Uint8Array[] }[]> {
    const all = await history.shards(model);
    for (;;) {
      const shards = damage.unharmed(model, all);
      if (shards.length === 0) throw damagedError(`every shard of ${model}`);
      const drawn = await Promise.all(
        draw(shards).map(async (one) => {
          const reading = one.shards.map((shard) => damage.read(shardFile(model, shard)));
          return { one, files: (await Promise.all(reading)).filter((file) => file !== null) };
        }),
      );
      if (drawn.every(({ one, files }) => files.length === one.shards.length)) return drawn;
    }
  }

  /** The files of a ticket's shards; a damagedError names one that cannot be read. */
  function filesOf({ model, shards }: Ticket): Promise<Uint8Array[]> {
    return Promise.all(
      shards.map(async (shard) => {
        const file = shardFile(model, shard);
        const bytes = await damage.read(file);
        if (bytes === null) throw damagedError(`${file.name} of ${model}`);
        return bytes;
      }),
    );
  }

  /** Have the work of a ticket done again, on its base and what it is trained on. */
  async function again(
    ticket: Ticket,
    isCertain: boolean,
    workOf: (served: ServedModel, pieces: JobWork["pieces"]) => JobWork,
    own: (parameters: Float32Array, served: ServedModel, piece: PieceFiles) => Promise<Judgement>,
  ): Promise<Judgement> {
    const version = await history.version(ticket.model, ticket.base.number);
    const served = models.get(ticket.model);
    assert(version !== undefined && served !== undefined, `${ticket.model} has no such version`);
    const { seed, shards, model } = ticket;
    const base = { number: version.number, checkpoint: version.checkpoint };
    const work = workOf(served, [{ shards, seed }]);
    const { architecture } = served.recipe;
    const { judgement } = await share(
      { model, architecture, base, work },
      {
        size: served.layout.size,
        isCertain,
        own: async () =>
          own(await checkpoints.parametersOf(version), served, {
            shards: await filesOf(ticket),
            seed,
          }),
      },
    );
    return judgement;
  }

  const trainer: Trainer = {
    reference(version) {
      const served = models.get(version.model);
      assert(served !== undefined, `no model ${version.model}`);
      return (
        references.get(nameOf(version, served))?.reference ?? keepReference(version, served, false)
      );
    },
    async ownReference(version) {
      const served = models.get(version.model);
      assert(served !== undefined, `no model ${version.model}`);
      const kept = references.get(nameOf(version, served));
      await kept?.reference;
      return kept?.judge === null ? kept.reference : keepReference(version, served, true);
    },
    async chooseMask({ model, id, parameters }) {
      const served = models.get(model);
      assert(served !== undefined, `no model ${model}`);
      const { recipe, layout } = served;
      const policy = recipe.mask.fisher;
      assert(policy !== undefined, `${model} has no mask.fisher`);
      const seed = `shared mask ${id}`;
      const drawn = await drawSound(model, (shards) =>
        drawFisherExamples(shards, policy.examples, createRandom(`examples of ${seed}`)).map(
          (run) => ({ ...run, shards: [run.shard] }),
        ),
      );
      const hasSuite = recipe.data.heldOut.protected !== undefined;
      return threadOf(model).chooseMask({
        architecture: recipe.architecture,
        parameters,
        policy,
        count: maskCount(recipe.mask, layout.size),
        seed,
        runs: drawn.map(({ one: { from, to }, files }) => ({ file: files[0]!, from, to })),
        protectedSuite: hasSuite ? heldOut.paths(model).protected : null,
      });
    },
    async ownMask(ticket, isCertain) {
      const { count } = ticket.mask;
      const policyOf = ({ recipe }: ServedModel) => {
        assert(recipe.mask.fisher !== undefined, `${recipe.id} has no mask.fisher`);
        return recipe.mask.fisher;
      };
      const chosen = await again(
        ticket,
        isCertain,
        (served, pieces) => ({ kind: "own-mask", policy: policyOf(served), count, pieces }),
        async (parameters, served, piece) => {
          const { architecture } = served.recipe;
          const job = { architecture, parameters, policy: policyOf(served), count, ...piece };
          return { kind: "own-mask", positions: await threadOf(ticket.model).ownMask(job) };
        },
      );
      assert(chosen.kind === "own-mask", "a mask is chosen");
      return chosen.positions;
    },
    async retrain(ticket, positions, isCertain) {
      const { training } = ticket;
      const count = positions.length;
      const trained = await again(
        ticket,
        isCertain,
        ({ layout }, pieces) => ({
          kind: "train",
          positions: inHex(positions, layout.size),
          count,
          training,
          pieces,
        }),
        async (parameters, { recipe: { architecture } }, piece) => {
          const task = { architecture, parameters, positions, count, training, pieces: [piece] };
          return { kind: "train", ...(await threadOf(ticket.model).train(task)) };
        },
      );
      assert(trained.kind === "train", "a delta is trained");
      return trained.deltas[0]!;
    },
    asksOthers: isAnybodyThere,
    forget(judge) {
      for (const [name, kept] of references) if (kept.judge === judge) references.delete(name);
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
