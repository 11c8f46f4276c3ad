import { type KeyPair, publicKeyHex, sha256, signId } from "../../core/crypto/signature.ts";
import { decodeHex } from "../../core/hex.ts";
import { encodePatch } from "../../core/patch/patch.ts";
import { quantise, segmentStarts } from "../../core/patch/quantiser.ts";
import type { PatchHeader } from "../../core/protocol/schemas/contribution.ts";
import type { Mask } from "../../core/protocol/schemas/mask.ts";
import { createRandom } from "../../core/random.ts";
import { joinExamples } from "../../core/training/examples.ts";
import { trainDelta } from "../../core/training/train.ts";
import { type Attack, attackedDelta, attackedExamples } from "./attacks.ts";
import type { SimModel } from "./sim-model.ts";

export type Volunteer = {
  readonly publicKey: string;
  readonly keys: KeyPair;
  /** Null for honest ones. */
  readonly attack: Attack | null;
};

/** What a ticket would say, with the mask's positions and the base already loaded. */
export type Work = {
  readonly ticket: string;
  readonly base: {
    readonly number: number;
    readonly id: string;
    readonly parameters: Float32Array;
  };
  readonly mask: Mask;
  /** The mask's positions [k]. */
  readonly positions: Uint32Array;
  readonly shards: readonly number[];
  readonly seed: number;
};

/** A contribution as it would travel. */
export type SentPatch = {
  readonly id: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly signature: string;
  readonly volunteer: Volunteer;
  readonly work: Work;
};

/** A volunteer whose key follows from the simulation's seed, so that a run can be repeated. */
export async function createVolunteer(seed: string, attack: Attack | null): Promise<Volunteer> {
  const keys = await keysOf(seed);
  return { publicKey: await publicKeyHex(keys), keys, attack };
}

/** The Ed25519 keys whose private half is the SHA-256 of `seed`. */
export async function keysOf(seed: string): Promise<KeyPair> {
  const secret = await sha256(new TextEncoder().encode(seed));
  const pkcs8 = decodeHex(`302e020100300506032b657004220420${secret}`); // RFC 8410 §7
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", privateKey);
  const raw = Buffer.from(x ?? "", "base64url");
  const publicKey = await crypto.subtle.importKey("raw", raw, "Ed25519", true, ["verify"]);
  return { publicKey, privateKey };
}

/** Train one piece of work and pack it as the worker would. */
export async function contribute(
  model: SimModel,
  volunteer: Volunteer,
  work: Work,
): Promise<SentPatch> {
  const { attack } = volunteer;
  const { recipe, layout } = model;
  const { architecture, training } = recipe;
  const honest = joinExamples(work.shards.map((shard) => model.shards[shard]!));
  const classes = architecture.kind === "mlp" ? architecture.outputs : 0;
  const steps = attack === "half-work" ? Math.ceil(training.steps / 2) : training.steps;
  const trained = await trainDelta({
    architecture,
    parameters: work.base.parameters,
    positions: work.positions,
    examples: attack === null ? honest : attackedExamples(honest, attack, classes),
    training: { ...training, steps },
    seed: work.seed,
  });
  const random = createRandom(`attack ${work.ticket}`);
  const delta = attack === null ? trained.delta : attackedDelta(trained.delta, attack, random);
  const header: PatchHeader = {
    format: "commonweight.patch/1",
    contributor: volunteer.publicKey,
    ticket: work.ticket,
    model: recipe.id,
    base: work.base.id,
    mask: work.mask,
    shards: [...work.shards],
    steps: training.steps,
    examples: training.steps * training.batch,
    lossBefore: trained.lossBefore,
    lossAfter: trained.lossAfter,
    licence: "CC0-1.0",
    software: "simulation",
    device: "simulation",
  };
  const values = quantise(delta, segmentStarts(layout, work.positions));
  const bytes = encodePatch(
    { header, ...values, positions: null, fisher: null },
    layout,
    work.positions,
  );
  const id = await sha256(bytes);
  const signature = await signId("contribution", id, volunteer.keys.privateKey);
  return { id, bytes, signature, volunteer, work };
}

/** 16 bytes in hexadecimal for the n-th ticket of a simulation. */
export async function ticketIdOf(seed: string, n: number): Promise<string> {
  return (await sha256(new TextEncoder().encode(`${seed} ticket ${n}`))).slice(0, 32);
}
