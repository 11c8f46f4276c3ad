import { createRandom } from "../../core/random.ts";
import { attackedWork, type Placed, type Scene } from "./attacks.ts";
import { packPatch, type SentPatch, type SimPiece, trainPiece } from "./piece.ts";
import { maskName, type SimRelay, type SimWaiting } from "./relay.ts";

const VERSIONS_BACK = 8; // of the base that stale work is trained on: past every recipe's limit

/** Train the piece, or lie about it, and pack the result. */
export async function finishPiece(relay: SimRelay, piece: SimPiece): Promise<SentPatch> {
  const { model } = relay;
  const { attack } = piece.volunteer;
  if (attack === null) return packPatch(model, piece, await trainPiece(model, piece));
  const { positions, delta } = await attackedWork(attack, sceneOf(relay, piece));
  return packPatch(model, { ...piece, positions }, delta);
}

function sceneOf({ model, seed, seen, queue, versions, merges }: SimRelay, piece: SimPiece): Scene {
  // positions are everybody's or, on a mask of its own, whatever it sends
  const isOnMask = ({ positions, sent }: SimWaiting) =>
    positions === piece.positions || sent.piece.mask.kind === "own";
  return {
    model,
    piece,
    random: createRandom(`${seed} attack ${piece.ticket}`),
    async honestDeltas() {
      const sent = (seen.get(maskName(piece.mask)) ?? []).filter(
        (other) => isOnMask(other) && other.sent.piece.volunteer.attack === null,
      );
      const others = sent.map((other) => valuesAt(piece.positions, other));
      return [await trainPiece(model, piece), ...others];
    },
    waiting: queue
      .filter((other) => isOnMask(other) && other.contributor !== piece.volunteer.publicKey)
      .map(({ positions, delta }) => ({ positions, delta })),
    merges: merges.get(piece.volunteer.publicKey) ?? 0,
    old: versions[Math.max(0, piece.base.record.number - VERSIONS_BACK)]!.parameters,
  };
}

/** What a delta has at `positions` [k], ascending; NaN where it has nothing. */
function valuesAt(positions: Uint32Array, other: Placed): Float32Array {
  if (positions === other.positions) return other.delta;
  let at = 0;
  return Float32Array.from(positions, (position) => {
    while (other.positions[at]! < position) at++;
    return other.positions[at] === position ? other.delta[at]! : Number.NaN;
  });
}
