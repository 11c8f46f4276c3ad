import { maskedGradient } from "../../core/training/gradient.ts";
import { headOf, type SimRelay, type SimWaiting } from "./relay.ts";

/**
 * The held-out gradient times the delta at the share of the step that is scored, in nats: what the loss on the score set
 * would change by to first order. The gradient is taken once for each head and mask, of
 * all parameters where everybody's mask is their own.
 */
export async function slopeOf(
  relay: SimRelay,
  { sent, positions, delta, lag }: SimWaiting,
): Promise<number> {
  const { model, gradients } = relay;
  const { architecture, score } = model.recipe;
  const { id, parameters } = headOf(relay);
  const isOwn = sent.piece.mask.kind === "own";
  const name = `${id} ${isOwn ? "all" : sent.piece.base.id}`;
  const examples = model.heldOut.score;
  const asked = isOwn ? Uint32Array.from(parameters, (_, position) => position) : positions;
  const known =
    gradients.get(name) ?? maskedGradient({ architecture, parameters, positions: asked, examples });
  gradients.set(name, known);
  const gradient = await known;
  let product = 0;
  for (let i = 0; i < delta.length; i++) {
    product += gradient[isOwn ? positions[i]! : i]! * delta[i]!;
  }
  return (score.stepShare / (1 + lag)) * product;
}
