import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { REJECT_CODES, type RejectCode } from "../../core/protocol/reject-codes.ts";
import { isStorageFull, storageAway } from "../storage-error.ts";

/** Ends a request with one of the protocol's codes. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: RejectCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: RejectCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
  }
}

const SENDER_GONE = 499; // nginx's number: nobody hears it, but it is counted as what it is

/** What an error thrown by a route answers: a Refusal its code, broken input 400, a full disk 507, a ledger or a storage of files that does not answer 503. */
export function answerError(error: Error, c: Context): Response {
  if (error instanceof Refusal) return refusalAnswer(c, error.code, error.message, error.headers);
  if (error.name === "FormatError") return refusalAnswer(c, "malformed", error.message);
  if (error.name === "SenderGone") return new Response(null, { status: SENDER_GONE });
  if (isStorageFull(error)) {
    return refusalAnswer(c, "storage-full", "the relay's disk is full; nothing was stored");
  }
  const away = storageAway(error);
  if (away !== null) {
    // PostgreSQL may have gone after it stored and before it said so: the same again finds it
    return refusalAnswer(c, "unavailable", `${away}: try again`, { "retry-after": "5" });
  }
  console.error(error);
  return refusalAnswer(c, "internal", "the relay made a mistake; its log says which");
}

export function refusalAnswer(
  c: Context,
  code: RejectCode,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const status: ContentfulStatusCode = REJECT_CODES[code].status;
  return c.json({ error: { code, message } }, status, { "cache-control": "no-store", ...headers });
}
