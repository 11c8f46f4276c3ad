/** The disk took no more bytes; nothing was half-written. The relay answers 507. */
export class StorageFullError extends Error {
  override readonly name = "StorageFullError";
}

// disk, quota, file size limit; for the last two SQLite names only the write that failed, or its shared index growing
const FULL = new Set([
  ...["SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"],
  ...["ENOSPC", "EDQUOT", "EFBIG"],
  "53100", // PostgreSQL's disk
]);

/** Whether `error`, or what caused it, says that the disk is full. By name, since it may come from another thread. */
export function isStorageFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "StorageFullError") return true;
  if ("code" in error && typeof error.code === "string" && FULL.has(error.code)) return true;
  return error.cause !== undefined && isStorageFull(error.cause);
}

/** The bucket that holds the relay's files does not answer. It passes by itself. */
export class ContentAwayError extends Error {
  override readonly name = "ContentAwayError";
  constructor(options?: ErrorOptions) {
    super("the relay's storage of files does not answer", options);
  }
}

/** The bucket refuses the relay, as with a key that was revoked: a maintainer must see to it. */
export class ContentRefusedError extends Error {
  override readonly name = "ContentRefusedError";
  constructor(reason: string, options?: ErrorOptions) {
    super(`the relay's storage of files refuses it: ${reason}`, options);
  }
}

/** PostgreSQL's codes for a connection that is refused or lost, a server that starts or stops, and a statement that took too long. */
const AWAY = /^(08...|57014|57P0[1-3]|53300|25P03|E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT))$/;
/** What `pg` says of the same without a code. */
const AWAY_WORDS =
  /^(Connection terminated|timeout exceeded when trying to connect|Client (has enc|was closed))/;

/** SQLite's codes for a lock that another process has held for too long, and PostgreSQL's. */
const LOCKED = /^(SQLITE_BUSY.*|55P03)$/;

/** Whether `pg` waited in vain for a server that says nothing. */
export function isSilence(error: unknown): boolean {
  return error instanceof Error && error.message === "Query read timeout";
}

/**
 * Why the ledger takes no call now, in plain words; null where `error` says something else. It passes by itself: another
 * process holds the ledger's lock, or PostgreSQL does not answer in time.
 */
export function ledgerAway(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (LOCKED.test(code)) return "another program holds the relay's ledger";
  const isConnecting =
    "syscall" in error && (error.syscall === "connect" || error.syscall === "getaddrinfo");
  const isAway =
    isConnecting || isSilence(error) || AWAY.test(code) || AWAY_WORDS.test(error.message);
  return isAway ? "the relay's database does not answer" : null;
}

/** Why ledger or files cannot be reached now, in plain words; null where `error` says something else. */
export function storageAway(error: unknown): string | null {
  // by name, since it may come from another thread
  const isContent = error instanceof Error && /^Content(Away|Refused)Error$/.test(error.name);
  if (isContent) return error.message;
  return ledgerAway(error);
}

/** What hinders all work, in plain words; null where `error` says something of the work at hand. */
export function outageWords(error: unknown): string | null {
  return isStorageFull(error) ? "the relay's disk is full" : storageAway(error);
}

/** Whether `error` passes by itself, or by what a maintainer does to the machine: it says nothing of the work at hand. */
export function isOutage(error: unknown): boolean {
  return outageWords(error) !== null;
}
