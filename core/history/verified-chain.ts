import { loadAhead } from "../ahead.ts";
import type { VersionRecord } from "../protocol/schemas/version.ts";
import type { ActPin } from "./act.ts";
import { faultAt, HistoryError } from "./history-fault.ts";
import type { HistorySource } from "./history-source.ts";
import { lineageProblem } from "./lineage.ts";
import { packetFault } from "./opened-packets.ts";
import { isRevealedTruly } from "./reference-seed.ts";
import { followContributions, type VerifiedVersion, verifyVersion } from "./version.ts";

/** What a reader remembers of a history from one visit to the next (protocol V10). */
export type Pin = {
  /** The key that signed the history at the first visit. */
  readonly relayKey: string;
  /** The newest version that was verified, and its id. */
  readonly number: number;
  readonly id: string;
  /** The newest act that was verified; absent where there was none, or none was looked at. */
  readonly act?: ActPin | undefined;
};

export type ChainOptions = {
  /** From the last visit; null at the first one, which then trusts the key of version 0. */
  readonly pin: Pin | null;
  /** The key that must have signed, where the reader has it from elsewhere. */
  readonly relayKey?: string | undefined;
  /** Hears the number of each version whose record was verified, and the newest one's. */
  readonly onRecord?: (version: number, head: number) => void;
  readonly signal?: AbortSignal;
};

const RECORDS_AHEAD = 32; // a record is some kilobytes

/**
 * Every version's record of the source's history, from 0 on, each verified after the one before it (protocol V2–V5, V7,
 * V9 to V11). Throws a HistoryError at the first that does not hold, a RelayError where the source cannot be reached,
 * and the signal's reason.
 */
export async function readVerifiedChain(
  source: HistorySource,
  { pin, relayKey: givenKey, onRecord, signal }: ChainOptions,
): Promise<readonly VerifiedVersion[]> {
  const options = signal === undefined ? {} : { signal };
  const head = await source.head(options);
  const chain: VerifiedVersion[] = [];
  const contributions = new Map<string, "merged" | "reverted">();
  const versions = loadAhead(numbersTo(head), RECORDS_AHEAD, (number) =>
    source.version(number, options),
  );
  try {
    for await (const version of versions) {
      const number = chain.length;
      if (number === 0 && version.record.model !== source.model) {
        const message = `this is the history of ${version.record.model}, not of ${source.model}`;
        throw new HistoryError("model", 0, message);
      }
      const relayKey = givenKey ?? pin?.relayKey ?? (chain[0] ?? version).record.relayKey;
      const verdict = await verifyVersion(version, chain.at(-1) ?? null, relayKey, contributions);
      if (!verdict.ok) throw new HistoryError(verdict.fault, number, verdict.message);
      const { id, record } = verdict.version;
      if (!(await isRevealedTruly(record, (earlier) => chain[earlier]?.record))) {
        const message = `the seed that it reveals for version ${record.reference?.revealed?.version} is not the one that was committed to`;
        throw new HistoryError("reference", number, message);
      }
      const packets = packetFault(record, chain.at(-1)?.record ?? null, chain[0]?.record ?? record);
      if (packets !== null) throw new HistoryError("packets", number, packets);
      const lineage =
        number === 0 ? await lineageProblem(record.lineage ?? [], record) : laterLineage(record);
      if (lineage !== null) throw new HistoryError("lineage", number, lineage);
      if (number === pin?.number && id !== pin.id) {
        const message = `the history was rewritten: this was ${pin.id} at the last visit and is ${id}`;
        throw new HistoryError("rewritten", number, message);
      }
      chain.push(verdict.version);
      followContributions(contributions, record);
      onRecord?.(number, head);
    }
  } catch (error) {
    throw faultAt(chain.length, error);
  }
  if (pin !== null && head < pin.number) {
    const message = `the history was rolled back: it ends at version ${head}, and version ${pin.number} was there at the last visit`;
    throw new HistoryError("rolled-back", null, message);
  }
  return chain;
}

/** The pin of a chain that was verified. */
export function pinOf(chain: readonly VerifiedVersion[]): Pin {
  const { id, record } = chain.at(-1)!; // a chain has version 0
  return { relayKey: record.relayKey, number: record.number, id };
}

const laterLineage = ({ lineage }: VersionRecord) =>
  lineage === undefined ? null : "only version 0 says what a history was forked from";

/** One after the other, so that a source that claims 2^53 versions costs nothing. */
function* numbersTo(head: number): Generator<number> {
  for (let number = 0; number <= head; number++) yield number;
}
