import { verifyId } from "../crypto/signature.ts";
import { faultAt, HistoryError } from "./history-fault.ts";
import type { HistorySource } from "./history-source.ts";
import type { Pin } from "./verified-chain.ts";
import { type VerifiedVersion, versionId } from "./version.ts";

export type SignedVersionOptions = {
  /** From the last visit; null at the first one, which then trusts the key of version 0. */
  readonly pin: Pin | null;
  /** The key that must have signed, where the reader has it from elsewhere. */
  readonly relayKey?: string | undefined;
  readonly signal?: AbortSignal;
};

/**
 * Version `number` as the relay signed it, in a history that still has what was seen at the last visit (protocol V4,
 * V10). Reads three records, however long the history is: what a version follows from is `verifyHistory`'s to say.
 * Throws a HistoryError for what does not hold, and a RelayError where the source cannot be reached.
 */
export async function readSignedVersion(
  source: HistorySource,
  number: number,
  { pin, relayKey, ...options }: SignedVersionOptions,
): Promise<VerifiedVersion> {
  const read = async (at: number, key: string | null) => {
    try {
      const { record, signature } = await source.version(at, options);
      const id = await versionId(record);
      const expected = key ?? record.relayKey;
      if (record.model !== source.model) {
        throw new HistoryError("model", at, `this is the history of ${record.model}`);
      }
      if (record.number !== at) throw new HistoryError("number", at, `it says ${record.number}`);
      if (record.relayKey !== expected) {
        throw new HistoryError("key", at, `it is signed by ${record.relayKey}, not ${expected}`);
      }
      if (!(await verifyId("version", id, signature, expected))) {
        throw new HistoryError("signature", at, `it is not signed by ${expected}`);
      }
      return { id, record };
    } catch (error) {
      throw faultAt(at, error);
    }
  };
  const key = relayKey ?? pin?.relayKey ?? (await read(0, null)).record.relayKey;
  if (pin !== null) {
    const head = await source.head(options);
    if (head < pin.number) {
      const message = `the history was rolled back: it ends at version ${head}, and version ${pin.number} was there at the last visit`;
      throw new HistoryError("rolled-back", null, message);
    }
    const seen = await read(pin.number, key);
    if (seen.id !== pin.id) {
      const message = `the history was rewritten: this was ${pin.id} at the last visit and is ${seen.id}`;
      throw new HistoryError("rewritten", pin.number, message);
    }
  }
  return read(number, key);
}
