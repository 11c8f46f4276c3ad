import { type SigningKey, sha256, signId, verifyId } from "../crypto/signature.ts";
import { encodeCanonical } from "../protocol/canonical-json.ts";
import type { ActRecord, SignedAct } from "../protocol/schemas/act.ts";
import type { VerifiedVersion } from "./version.ts";

/** An act's id (protocol R4): the SHA-256 of the RFC 8785 form of its record. */
export function actId(record: ActRecord): Promise<string> {
  return sha256(encodeCanonical(record));
}

/** Sign `record` with the relay's publishing key. */
export async function signAct(record: ActRecord, relayKey: SigningKey): Promise<SignedAct> {
  return { record, signature: await signId("act", await actId(record), relayKey) };
}

/** What the acts of a model come to. */
export type ModelStanding = {
  readonly acts: number;
  /** Why the model is retired; null where it is not. */
  readonly retired: string | null;
};

/** The first rule of the acts that one breaks (protocol R4, R5). */
export type ActFault = "act-chain" | "act-signature" | "act-version" | "act-order";

export type ActsVerdict =
  | { readonly ok: true; readonly standing: ModelStanding }
  | { readonly ok: false; readonly fault: ActFault; readonly message: string };

/** Whether `acts`, in their order, follow each other and the verified `chain`, and are signed with its key. */
export async function verifyActs(
  acts: readonly SignedAct[],
  chain: readonly VerifiedVersion[],
): Promise<ActsVerdict> {
  const { relayKey, model } = chain[0]!.record; // a chain has version 0
  let parent: string | null = null;
  let newest = 0;
  let retired: string | null = null;
  for (const [number, { record, signature }] of acts.entries()) {
    const fail = (fault: ActFault, problem: string): ActsVerdict => {
      return { ok: false, fault, message: `act ${number}: ${problem}` };
    };
    if (record.number !== number || record.parent !== parent) {
      return fail("act-chain", `it does not follow ${parent ?? "nothing"}`);
    }
    if (record.model !== model) return fail("act-chain", `it is about ${record.model}`);
    const id = await actId(record);
    const isOwn = record.relayKey === relayKey;
    if (!isOwn || !(await verifyId("act", id, signature, relayKey))) {
      return fail("act-signature", `it is not signed by ${relayKey}`);
    }
    const { head, deed, reason } = record;
    if (head.number < newest || chain[head.number]?.id !== head.id) {
      return fail("act-version", `${head.id} was not version ${head.number} then`);
    }
    if ((deed.kind === "retire") !== (retired === null)) {
      const state = retired === null ? "not retired" : "retired";
      return fail("act-order", `${deed.kind} of a model that is ${state}`);
    }
    retired = deed.kind === "retire" ? reason : null;
    parent = id;
    newest = head.number;
  }
  return { ok: true, standing: { acts: acts.length, retired } };
}
