import { assert } from "../../core/errors.ts";
import type { JobPiece, JobWork } from "../../core/protocol/schemas/judging.ts";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import type { Judgement } from "../../core/training/judgement.ts";
import type { ServedModel } from "../context.ts";
import type { PieceFiles } from "../threads/training-thread.ts";
import { type Done, positionsInHex } from "./shared-work.ts";
import { ticketFiles } from "./sound-pieces.ts";
import type { Trainer, TrainerParts, TrainingThreads } from "./trainer.ts";

/** Has the work of a ticket done again, by a judge or here. */
export function createSecondTraining(
  { context, checkpoints, share }: TrainerParts,
  threadOf: TrainingThreads,
): Pick<Trainer, "ownMask" | "retrain"> {
  const { history, models } = context;

  /** On the ticket's base and what it is trained on. */
  async function again(
    ticket: Ticket,
    isCertain: boolean,
    workOf: (served: ServedModel, pieces: JobPiece[]) => JobWork,
    own: (parameters: Float32Array, served: ServedModel, piece: PieceFiles) => Promise<Judgement>,
  ): Promise<Done> {
    const version = await history.version(ticket.model, ticket.base.number);
    const served = models.get(ticket.model);
    assert(version !== undefined && served !== undefined, `${ticket.model} has no such version`);
    const { seed, shards, model } = ticket;
    const base = { number: version.number, checkpoint: version.checkpoint };
    const work = workOf(served, [{ shards, seed }]);
    const { architecture } = served.recipe;
    return share(
      { model, architecture, base, work },
      {
        size: served.layout.size,
        isCertain,
        own: async () =>
          own(await checkpoints.parametersOf(version), served, {
            shards: await ticketFiles(context, ticket),
            seed,
          }),
      },
    );
  }

  return {
    async ownMask(ticket, isCertain) {
      const { count } = ticket.mask;
      const policyOf = ({ recipe }: ServedModel) => {
        assert(recipe.mask.fisher !== undefined, `${recipe.id} has no mask.fisher`);
        return recipe.mask.fisher;
      };
      const { judgement, judge } = await again(
        ticket,
        isCertain,
        (served, pieces) => ({ kind: "own-mask", policy: policyOf(served), count, pieces }),
        async (parameters, served, piece) => {
          const { architecture } = served.recipe;
          const job = { architecture, parameters, policy: policyOf(served), count, ...piece };
          return { kind: "own-mask", positions: await threadOf(ticket.model).ownMask(job) };
        },
      );
      assert(judgement.kind === "own-mask", "a mask is chosen");
      return { positions: judgement.positions, judge };
    },
    async retrain(ticket, positions, isCertain) {
      const { training } = ticket;
      const count = positions.length;
      const { judgement, judge } = await again(
        ticket,
        isCertain,
        ({ layout }, pieces) => ({
          kind: "train",
          positions: positionsInHex(positions, layout.size),
          count,
          training,
          pieces,
        }),
        async (parameters, { recipe: { architecture } }, piece) => {
          const task = { architecture, parameters, positions, count, training, pieces: [piece] };
          return { kind: "train", ...(await threadOf(ticket.model).train(task)) };
        },
      );
      assert(judgement.kind === "train", "a delta is trained");
      return { delta: judgement.deltas[0]!, judge };
    },
  };
}
