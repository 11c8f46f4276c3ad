import { FormatError } from "../errors.ts";
import { RelayError } from "../protocol/relay-error.ts";
import type { ActFault } from "./act.ts";
import type { VersionFault } from "./version.ts";

export type HistoryFault =
  | VersionFault
  | ActFault
  /** A record or a blob that the source does not have, or whose bytes are others. */
  | "missing"
  /** A record, a patch, a mask or a manifest that is not in order. */
  | "malformed"
  /** A patch's header says something else than the record (V8). */
  | "input-header"
  /** The seed that a record reveals is not the one that was committed to (V11). */
  | "reference"
  /** What a record says of its packets does not fit version 0's promise, or the parent (V12). */
  | "packets"
  /** The parameters that follow from the record are others than its checkpoint (V6, V7). */
  | "replay"
  /** A contributed suite is not what its act says, or a version was not tested on it (U8). */
  | "suite"
  /** What a fork says that it began as does not hold (V14). */
  | "lineage"
  /** What the relay serves for downloading leads elsewhere than the record. */
  | "served"
  /** The history is shorter than at the last visit, or another (V10). */
  | "rolled-back"
  | "rewritten";

/** The first thing of a history that does not hold. */
export class HistoryError extends Error {
  override readonly name = "HistoryError";
  readonly fault: HistoryFault;
  /** Null where it is the history as a whole. */
  readonly version: number | null;

  constructor(fault: HistoryFault, version: number | null, message: string) {
    super(version === null ? message : `version ${version}: ${message}`);
    this.fault = fault;
    this.version = version;
  }
}

const MISSING = ["version-unknown", "blob-unknown", "blob-damaged"];

/** `error` as a fault of `version`, where it says that the source answered with what is not in order; else as it is. */
export function faultAt(version: number, error: unknown): unknown {
  if (error instanceof FormatError) return new HistoryError("malformed", version, error.message);
  if (!(error instanceof RelayError)) return error;
  if (error.code === "outdated") return new HistoryError("malformed", version, error.message);
  return MISSING.includes(error.code) ? new HistoryError("missing", version, error.message) : error;
}
