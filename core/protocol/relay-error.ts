import { REJECT_CODES, type RejectAction, type RejectCode } from "./reject-codes.ts";

/** What the client itself says "no" with, beside the relay's own codes. */
export type ClientCode =
  | "unreachable" // no answer of the relay's: none at all, or a proxy's page
  | "answer-malformed" // an answer to something else than was asked
  | "answer-too-large"
  | "blob-damaged"; // bytes that do not hash to their name

/** A request that did not get what it asked for. Branch on `action`; `message` is for people. */
export class RelayError extends Error {
  override readonly name = "RelayError";
  /** A RejectCode, a ClientCode, or the code of a relay that is newer than this client. */
  readonly code: RejectCode | ClientCode | (string & {});
  readonly action: RejectAction;
  /** How long the relay asks to wait; null when it does not say. */
  readonly retryAfterSeconds: number | null;

  constructor(
    code: RelayError["code"],
    action: RejectAction,
    message: string,
    retryAfterSeconds: number | null = null,
  ) {
    super(message);
    this.code = code;
    this.action = action;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** What to do after an error answer: as its code says, or by its status if the code is a newer one's. */
export function actionOf(code: string, status: number): RejectAction {
  if (Object.hasOwn(REJECT_CODES, code)) return REJECT_CODES[code as RejectCode].action;
  return status >= 500 || status === 408 || status === 429 ? "retry" : "discard";
}
