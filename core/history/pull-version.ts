import { FormatError } from "../errors.ts";
import type { Layout } from "../tensors/layout.ts";
import { nameCheckpoint } from "../tensors/manifest.ts";
import { downloadVersion, type HeldVersion } from "./downloaded-version.ts";
import { faultAt, HistoryError } from "./history-fault.ts";
import type { HistorySource } from "./history-source.ts";
import { readSignedVersion, type SignedVersionOptions } from "./signed-version.ts";
import type { Pin } from "./verified-chain.ts";
import type { VerifiedVersion } from "./version.ts";

export type Pulled = {
  readonly version: VerifiedVersion;
  readonly layout: Layout;
  readonly parameters: Float32Array;
  /** To be remembered for the next visit. */
  readonly pin: Pin;
};

export type PullOptions = SignedVersionOptions & {
  /** What the reader has; null loads all of the version. */
  readonly held: HeldVersion | null;
  /** Hears how many of the steps have been applied. */
  readonly onStep?: (done: number, total: number) => void;
};

/**
 * Version `number`, from what the reader has by delta steps, or from a keyframe where there is nothing or it is later:
 * signed by the relay, and hashing to what the record says. Throws a FormatError where what is held is not the version
 * that it is said to be, else as `readSignedVersion`.
 */
export async function pullVersion(
  source: HistorySource,
  number: number,
  { held, onStep, ...options }: PullOptions,
): Promise<Pulled> {
  const { pin, signal } = options;
  const stop = signal === undefined ? {} : { signal };
  const { plan } = source;
  if (plan === null) throw new FormatError(`${source.model}: nothing is served for downloading`);
  const version = await readSignedVersion(source, number, options);
  if (held !== null) await expectHeld(source, held, version.record.relayKey, options);
  const from = held !== null && held.number <= number ? held : undefined;
  try {
    const download = { ...stop, from, onStep };
    const { layout, parameters } = await downloadVersion(source, plan, number, download);
    const { id } = await nameCheckpoint(layout, parameters);
    if (id !== version.record.checkpoint) {
      const message = `what is served leads to checkpoint ${id}, and the record says ${version.record.checkpoint}`;
      throw new HistoryError("served", number, message);
    }
    const isLater = pin === null || number >= pin.number;
    const seen = { relayKey: version.record.relayKey, number, id: version.id };
    return { version, layout, parameters, pin: isLater ? seen : pin };
  } catch (error) {
    throw faultAt(number, error);
  }
}

async function expectHeld(
  source: HistorySource,
  { number, layout, parameters }: HeldVersion,
  relayKey: string,
  { signal }: SignedVersionOptions,
): Promise<void> {
  const { record } = await readSignedVersion(source, number, {
    pin: null, // it has been looked at
    relayKey,
    ...(signal === undefined ? {} : { signal }),
  });
  const { id } = await nameCheckpoint(layout, parameters);
  if (id === record.checkpoint) return;
  throw new FormatError(`what is held is not version ${number} of ${source.model}`);
}
