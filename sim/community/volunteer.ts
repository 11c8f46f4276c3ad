import { type KeyPair, publicKeyHex, sha256 } from "../../core/crypto/signature.ts";
import { decodeHex } from "../../core/hex.ts";
import { createRandom, type Random } from "../../core/random.ts";
import type { Attack } from "./attacks.ts";

export type SimVolunteer = {
  publicKey: string;
  keys: KeyPair;
  /** Null for honest ones. */
  readonly attack: Attack | null;
  /** Simulated seconds that a piece of work takes on its device. */
  readonly pieceSeconds: number;
  /** Its place among all, from 0: where its own shards lie, if it has such. */
  readonly index: number;
  /** Draws its shards and seeds and how long its pieces take, whoever else takes part. */
  readonly random: Random;
  /** The version that it has loaded; null before its first piece. */
  holds: number | null;
};

export const PIECE_SECONDS = 15; // with its downloads, on an ordinary CPU: digits less, presidents more; only its ratio to cohortSeconds counts
const SLOW = 4; // times as long, for those that are slow
const SPREAD = 30; // times as much work as the slowest phone does the fastest desktop
const GOLDEN = (Math.sqrt(5) - 1) / 2; // its multiples spread evenly, however many there are

/**
 * Who takes part, each with a speed, a key and draws of its own: the first ones are slow, the last ones lie, so that a
 * community without the liars has the very same honest work. Devices do between half and one and a half
 * pieces in the mean time of one; where they are lifelike, the fastest does thirty times what the slowest does, and all
 * together as many pieces as there are devices.
 */
export async function createVolunteers({
  volunteers,
  liars,
  attack,
  stale,
  isLifelike,
  seed,
}: {
  readonly volunteers: number;
  /** Share of them that lie. */
  readonly liars: number;
  readonly attack: Attack;
  /** Share of the honest that are slow. */
  readonly stale: number;
  readonly isLifelike: boolean;
  readonly seed: string;
}): Promise<SimVolunteer[]> {
  const honest = volunteers - Math.round(liars * volunteers);
  const slow = Math.round(stale * honest);
  const places = Array.from({ length: volunteers }, (_, index) => (0.5 + index * GOLDEN) % 1);
  const paces = isLifelike ? spreadPaces(places) : places.map((place) => 0.5 + place);
  const created: SimVolunteer[] = [];
  for (const [index, pace] of paces.entries()) {
    const keys = await keysOf(`${seed} volunteer ${index}`);
    created.push({
      publicKey: await publicKeyHex(keys),
      keys,
      attack: index < honest ? null : attack,
      pieceSeconds: (PIECE_SECONDS / pace) * (index < slow ? SLOW : 1),
      index,
      random: createRandom(`${seed} work of ${index}`),
      holds: null,
    });
  }
  return created;
}

/** Paces with the mean 1, the fastest up to SPREAD times the slowest. */
function spreadPaces(places: readonly number[]): number[] {
  const paces = places.map((place) => SPREAD ** place);
  const mean = paces.reduce((sum, pace) => sum + pace, 0) / paces.length;
  return paces.map((pace) => pace / mean);
}

/** Take a new key, as anybody can at any time. */
export async function renewKeys(volunteer: SimVolunteer): Promise<void> {
  volunteer.keys = await keysOf(`after ${volunteer.publicKey}`);
  volunteer.publicKey = await publicKeyHex(volunteer.keys);
}

/** Uniform in [0, 1). */
export function unit(random: Random): number {
  return random.uint32() / 2 ** 32;
}

/** The Ed25519 keys whose private half is the SHA-256 of `seed`, so that a run can be repeated. */
export async function keysOf(seed: string): Promise<KeyPair> {
  const secret = await sha256(new TextEncoder().encode(seed));
  const pkcs8 = decodeHex(`302e020100300506032b657004220420${secret}`); // RFC 8410 §7
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", privateKey);
  const raw = Buffer.from(x ?? "", "base64url");
  const publicKey = await crypto.subtle.importKey("raw", raw, "Ed25519", true, ["verify"]);
  return { publicKey, privateKey };
}
