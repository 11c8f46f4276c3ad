import { sha256 } from "../../../core/crypto/signature.ts";
import { assert } from "../../../core/errors.ts";
import { chooseOwnMask, estimateOwnFisher } from "../../../core/training/own-mask.ts";
import { positionsOf } from "./masks.ts";
import type { Piece } from "./piece.ts";
import { count, headOf, maskName, type Relay } from "./relay.ts";
import { joinShards } from "./shards.ts";
import type { Volunteer } from "./volunteer.ts";

/** The `number`-th ticket of a volunteer: a piece of work on the head, as it begins it. */
export async function issueTicket(
  relay: Relay,
  volunteer: Volunteer,
  number: number,
  shards: readonly number[],
): Promise<Piece> {
  const base = headOf(relay);
  const { mask } = base.record;
  count(relay.outstanding, maskName(mask));
  const text = new TextEncoder().encode(`${relay.seed} ticket ${volunteer.index} ${number}`);
  const ticket = (await sha256(text)).slice(0, 32); // 16 bytes
  const given = { ticket, volunteer, base, mask, shards, seed: volunteer.random.uint32() };
  return { ...given, ...(await prepare(relay, given)) };
}

/** The mask where it is the volunteer's own to choose, and the Fisher information that the merge weighs by. */
async function prepare(
  relay: Relay,
  { base, mask, shards, seed }: Omit<Piece, "positions" | "fisher">,
): Promise<Pick<Piece, "positions" | "fisher">> {
  const { model } = relay;
  const { architecture, merge, mask: policy } = model.recipe;
  const given = mask.kind === "own" ? null : positionsOf(relay, mask);
  const isWeighed = merge.rule === "fisher";
  if (given !== null && !isWeighed) return { positions: given, fisher: null };
  assert(
    policy.fisher !== undefined,
    "a recipe for own masks or Fisher weights without mask.fisher",
  );
  const examples = joinShards(model, shards);
  const task = { architecture, parameters: base.parameters, examples, seed };
  const fisher = await estimateOwnFisher(task, policy.fisher);
  const positions = given ?? chooseOwnMask(task, policy.fisher, { fisher, count: mask.count });
  const weights = Float32Array.from(positions, (position) => fisher[position]!);
  return { positions, fisher: isWeighed ? weights : null };
}
