/** The disk took no more bytes; nothing was half-written. The relay answers 507. */
export class StorageFullError extends Error {
  override readonly name = "StorageFullError";
}

// disk, quota, file size limit; for the last two SQLite names only the write that failed, or its shared index growing
const FULL = new Set([
  ...["SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"],
  ...["ENOSPC", "EDQUOT", "EFBIG"],
]);

/** Whether `error`, or what caused it, says that the disk is full. By name, since it may come from another thread. */
export function isStorageFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "StorageFullError") return true;
  if ("code" in error && typeof error.code === "string" && FULL.has(error.code)) return true;
  return error.cause !== undefined && isStorageFull(error.cause);
}

/** Whether `error` says that another process holds the ledger's lock. */
export function isLedgerBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return "code" in error && typeof error.code === "string" && /^SQLITE_BUSY/.test(error.code);
}
