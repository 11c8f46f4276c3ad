import { assert } from "../../core/errors.ts";
import { createReferenceAt, type ReferenceAt } from "../../core/gate/reference.ts";
import { maskCount } from "../../core/history/mask-epoch.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { type Mask, mask as maskSchema } from "../../core/protocol/schemas/mask.ts";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import { createRandom } from "../../core/random.ts";
import { damagedError, shardFile } from "../content/damage.ts";
import type { MaskCache } from "../content/masks.ts";
import type { RelayContext, ServedModel } from "../context.ts";
import type { Checkpoints } from "../history/checkpoints.ts";
import type { ShardRow, VersionRow } from "../store/tables.ts";
import { keepThread } from "../threads/lasting-thread.ts";
import type { TrainingThread } from "../threads/training-thread.ts";
import { drawFisherExamples } from "./fisher-examples.ts";
import { drawReferencePieces } from "./reference-pieces.ts";
import type { Trainer } from "./trainer.ts";

const KEPT_VALUES = 32 << 20; // of references, 4 bytes each: of digits more versions than work may be based on
const IDLE_MS = 10 * 60_000; // then a thread's memory is worth more than its start

type Kept = { readonly reference: Promise<ReferenceAt | null>; readonly values: number };

export type TrainerParts = {
  readonly context: Pick<
    RelayContext,
    "history" | "heldOut" | "models" | "damage" | "referenceSeeds"
  >;
  readonly checkpoints: Checkpoints;
  readonly positionsOf: MaskCache;
};

/** A reference is of a version, and of the training that work on it has now. */
function nameOf({ id }: VersionRow, { recipe }: ServedModel): string {
  return `${id} ${recipe.score.references} ${JSON.stringify(recipe.training)}`;
}

/**
 * The trainer, for each model in a thread of its own that its first training starts, so that a slow model keeps no other
 * waiting; one that dies is replaced. What runs when it is closed is rejected at once.
 */
export function openTrainer({ context, checkpoints, positionsOf }: TrainerParts): {
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

  function keepReference(version: VersionRow, served: ServedModel): Promise<ReferenceAt | null> {
    const { score } = served.recipe;
    const mask = parseJson("mask", maskSchema, new TextEncoder().encode(version.mask));
    const length = mask.kind === "own" ? served.layout.size : mask.count;
    const reference = score.references === 0 ? null : trainReference(served, version, mask);
    const made = Promise.resolve(reference);
    const name = nameOf(version, served);
    references.set(name, { reference: made, values: (score.references + 1) * length });
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
  ): Promise<ReferenceAt> {
    const masked = await positionsOf(layout, mask);
    const secret = await referenceSeeds.seedOf(version);
    const drawn = await drawSound(recipe.id, (shards) =>
      drawReferencePieces(shards, recipe, secret),
    );
    const pieces = drawn.map(({ one, files }) => ({ shards: files, seed: one.seed }));
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

  /** A ticket's recipe, the parameters [N] of its base, and what it is trained on. */
  async function readTicket(ticket: Ticket) {
    const version = await history.version(ticket.model, ticket.base.number);
    const served = models.get(ticket.model);
    assert(version !== undefined && served !== undefined, `${ticket.model} has no such version`);
    return {
      recipe: served.recipe,
      parameters: await checkpoints.parametersOf(version),
      piece: { shards: await filesOf(ticket), seed: ticket.seed },
    };
  }

  const trainer: Trainer = {
    reference(version) {
      const served = models.get(version.model);
      assert(served !== undefined, `no model ${version.model}`);
      return references.get(nameOf(version, served))?.reference ?? keepReference(version, served);
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
    async ownMask(ticket) {
      const { recipe, parameters, piece } = await readTicket(ticket);
      const policy = recipe.mask.fisher;
      assert(policy !== undefined, `${ticket.model} has no mask.fisher`);
      const { architecture } = recipe;
      const { count } = ticket.mask;
      return threadOf(ticket.model).ownMask({ architecture, parameters, policy, count, ...piece });
    },
    async retrain(ticket, positions) {
      const { recipe, parameters, piece } = await readTicket(ticket);
      const { deltas } = await threadOf(ticket.model).train({
        architecture: recipe.architecture,
        parameters,
        positions,
        count: positions.length,
        training: ticket.training,
        pieces: [piece],
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
