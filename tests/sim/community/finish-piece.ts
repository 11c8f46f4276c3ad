import { createRandom } from "../../../core/random.ts";
import { attackedDelta, type Scene } from "./attacks.ts";
import { type Piece, packPatch, type SentPatch, trainPiece } from "./piece.ts";
import { maskName, type Relay, type Waiting } from "./relay.ts";

const VERSIONS_BACK = 8; // of the base that stale work is trained on: past every recipe's limit

/** Train the piece, or lie about it, and pack the result. */
export async function finishPiece(relay: Relay, piece: Piece): Promise<SentPatch> {
  const { model } = relay;
  const { attack } = piece.volunteer;
  const delta =
    attack === null
      ? await trainPiece(model, piece)
      : await attackedDelta(attack, sceneOf(relay, piece));
  return packPatch(model, piece, delta);
}

function sceneOf({ model, seed, seen, queue, versions }: Relay, piece: Piece): Scene {
  const isOnMask = ({ positions }: Waiting) => positions === piece.positions;
  return {
    model,
    piece,
    random: createRandom(`${seed} attack ${piece.ticket}`),
    async honestDeltas() {
      const sent = (seen.get(maskName(piece.mask)) ?? []).filter(
        (other) => isOnMask(other) && other.sent.piece.volunteer.attack === null,
      );
      return [await trainPiece(model, piece), ...sent.map(({ delta }) => delta)];
    },
    waiting: queue
      .filter((other) => isOnMask(other) && other.contributor !== piece.volunteer.publicKey)
      .map(({ delta }) => delta),
    old: versions[Math.max(0, piece.base.record.number - VERSIONS_BACK)]!.parameters,
  };
}
