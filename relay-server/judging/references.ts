import { assert } from "../../core/errors.ts";
import { createReferenceAt, type ReferenceAt } from "../../core/gate/reference.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { type Mask, mask as maskSchema } from "../../core/protocol/schemas/mask.ts";
import type { ServedModel } from "../context.ts";
import type { VersionRow } from "../store/tables.ts";
import { drawReferencePieces } from "./reference-pieces.ts";
import { shardOf } from "./shards.ts";
import { positionsInHex } from "./shared-work.ts";
import { drawSound } from "./sound-pieces.ts";
import type { Trainer, TrainerParts, TrainingThreads } from "./trainer.ts";

const KEPT_VALUES = 32 << 20; // of references, 4 bytes each: of digits more versions than work may be based on

/** A reference, and the judge that trained it; null if the relay did. */
type Trained = { readonly at: ReferenceAt | null; readonly judge: string | null };
type Kept = { readonly trained: Promise<Trained>; readonly values: number };

/** The references of the versions that were asked for last, each trained once, by a judge or here. */
export function createReferences(
  { context, checkpoints, positionsOf, share }: TrainerParts,
  threadOf: TrainingThreads,
): Pick<Trainer, "reference" | "ownReference" | "forget"> {
  const { models, referenceSeeds } = context;
  const references = new Map<string, Kept>();

  function servedOf({ model }: VersionRow): ServedModel {
    const served = models.get(model);
    assert(served !== undefined, `no model ${model}`);
    return served;
  }

  function keep(version: VersionRow, served: ServedModel, isCertain: boolean): Promise<Trained> {
    const { score } = served.recipe;
    const mask = parseJson("mask", maskSchema, new TextEncoder().encode(version.mask));
    const length = mask.kind === "own" ? served.layout.size : mask.count;
    const trained =
      score.references === 0
        ? Promise.resolve({ at: null, judge: null })
        : train(served, version, mask, isCertain);
    const name = nameOf(version, served);
    const kept: Kept = { trained, values: (score.references + 1) * length };
    references.set(name, kept);
    trained.catch(() => drop(name, kept)); // to be tried again
    let values = 0;
    for (const [id, { values: own }] of Array.from(references).reverse()) {
      values += own;
      if (values > KEPT_VALUES && id !== name) references.delete(id);
    }
    return trained;
  }

  function drop(name: string, kept: Kept): void {
    if (references.get(name) === kept) references.delete(name);
  }

  async function train(
    { recipe, layout }: ServedModel,
    version: VersionRow,
    mask: Mask,
    isCertain: boolean,
  ): Promise<Trained> {
    const masked = await positionsOf(layout, mask);
    const secret = await referenceSeeds.seedOf(version);
    const drawn = await drawSound(context, recipe.id, (shards) =>
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
          positions: positionsInHex(positions, layout.size),
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

  return {
    async reference(version) {
      const served = servedOf(version);
      const kept = references.get(nameOf(version, served));
      return (await (kept?.trained ?? keep(version, served, false))).at;
    },
    async ownReference(version) {
      const served = servedOf(version);
      const known = await references.get(nameOf(version, served))?.trained;
      return known?.judge === null ? known.at : (await keep(version, served, true)).at;
    },
    forget(judge) {
      for (const [name, kept] of references) {
        kept.trained.then(
          ({ judge: by }) => {
            if (by === judge) drop(name, kept);
          },
          () => {}, // it is dropped anyway
        );
      }
    },
  };
}

/** A reference is of a version, and of the training that work on it has now. */
function nameOf({ id }: VersionRow, { recipe }: ServedModel): string {
  return `${id} ${recipe.score.references} ${JSON.stringify(recipe.training)}`;
}
