import type { SentPatch, SimPiece } from "./piece.ts";
import { maskName, type SimRelay } from "./relay.ts";

/** Counts what volunteers send and load; their first checkpoint and the shards, which every way of training has, not. */
export type Traffic = {
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** A version came out, with a delta step of this size. */
  publish(stepBytes: number): void;
  /** A volunteer loads what the piece's base and mask need beyond what it has. */
  download(piece: SimPiece): void;
  upload(sent: SentPatch): void;
};

export function createTraffic({ model, maskBytes }: SimRelay): Traffic {
  const steps: number[] = [];
  const masksOf = new Map<string, string>(); // the mask that a volunteer has, by its key
  const checkpointBytes = 4 * model.layout.size;
  let bytesUp = 0;
  let bytesDown = 0;
  return {
    get bytesUp() {
      return bytesUp;
    },
    get bytesDown() {
      return bytesDown;
    },
    publish: (stepBytes) => void steps.push(stepBytes),
    download({ volunteer, base, mask }) {
      const { number } = base.record;
      const since = steps.slice(volunteer.holds ?? number, number);
      const stepBytes = since.reduce((sum, bytes) => sum + bytes, 0);
      bytesDown += Math.min(stepBytes, checkpointBytes);
      volunteer.holds = number;
      const name = maskName(mask);
      if (masksOf.get(volunteer.publicKey) !== name) bytesDown += maskBytes.get(name) ?? 0;
      masksOf.set(volunteer.publicKey, name);
    },
    upload({ bytes }) {
      bytesUp += bytes.length;
    },
  };
}
