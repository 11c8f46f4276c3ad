import { sha256 } from "../../core/crypto/signature.ts";
import { restsUntil } from "../../core/gate/resting.ts";
import { type PieceMask, preparePieceMask } from "../../core/training/own-mask.ts";
import { positionsOf } from "./masks.ts";
import type { SimPiece } from "./piece.ts";
import { countOne, headOf, maskName, type SimRelay } from "./relay.ts";
import { joinShards } from "./shards.ts";
import type { SimVolunteer } from "./volunteer.ts";

const SECOND_MS = 1000;
const TRIAL_RETRY_SECONDS = 60; // as on the relay

/** Until when there is no work because there is nothing to gain (protocol H27), by the simulated clock; null while there is. */
export function restUntil({ vain, model, outstanding }: SimRelay, now: number): number | null {
  const { cohortSize } = model.recipe.merge;
  const until = restsUntil(vain, cohortSize);
  if (until === null) return null;
  if (until > now * SECOND_MS) return until / SECOND_MS;
  let out = 0;
  for (const tickets of outstanding.values()) out += tickets;
  return out < cohortSize ? null : now + TRIAL_RETRY_SECONDS;
}

/** The `number`-th ticket of a volunteer: a piece of work on the head, as it begins it. */
export async function issueSimTicket(
  relay: SimRelay,
  volunteer: SimVolunteer,
  number: number,
  shards: readonly number[],
): Promise<SimPiece> {
  const base = headOf(relay);
  const { mask } = base.record;
  countOne(relay.outstanding, maskName(mask));
  const text = new TextEncoder().encode(`${relay.seed} ticket ${volunteer.index} ${number}`);
  const ticket = (await sha256(text)).slice(0, 32); // 16 bytes
  const given = { ticket, volunteer, base, mask, shards, seed: volunteer.random.uint32() };
  return { ...given, ...(await prepare(relay, given)) };
}

function prepare(
  relay: SimRelay,
  { base, mask, shards, seed }: Omit<SimPiece, "positions" | "fisher">,
): Promise<PieceMask> {
  const { recipe } = relay.model;
  const { architecture } = recipe;
  const examples = joinShards(relay.model, shards);
  const task = { architecture, parameters: base.parameters, examples, seed };
  const given = mask.kind === "own" ? null : positionsOf(relay, mask);
  return preparePieceMask(task, recipe, { given, count: mask.count });
}
