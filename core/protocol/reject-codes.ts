/** What the sender of a refused request does next. */
export type RejectAction = "retry" | "discard" | "new-ticket";

/**
 * Every "no" of the relay: its HTTP status and what the sender does next. Verdicts with status 422 repeat: by themselves
 * where the ticket decides, else because they are recorded. The others are not recorded.
 */
export const REJECT_CODES = {
  malformed: { status: 400, action: "discard" },
  "hash-mismatch": { status: 400, action: "discard" },
  "signature-invalid": { status: 401, action: "discard" },
  "clock-skew": { status: 401, action: "retry" },
  banned: { status: 403, action: "discard" },
  "judge-unknown": { status: 403, action: "discard" },
  "model-unknown": { status: 404, action: "discard" },
  "version-unknown": { status: 404, action: "discard" },
  "blob-unknown": { status: 404, action: "discard" },
  "contribution-unknown": { status: 404, action: "discard" },
  "peer-unknown": { status: 404, action: "retry" },
  "download-unknown": { status: 404, action: "discard" },
  "tag-unknown": { status: 404, action: "discard" },
  "suite-unknown": { status: 404, action: "discard" },
  "proposal-unknown": { status: 404, action: "discard" },
  "list-unknown": { status: 404, action: "discard" },
  "addition-unknown": { status: 404, action: "discard" },
  "job-unknown": { status: 404, action: "discard" },
  "route-unknown": { status: 404, action: "discard" },
  "not-merged": { status: 409, action: "discard" },
  "already-reverted": { status: 409, action: "discard" },
  "already-retired": { status: 409, action: "discard" },
  "not-retired": { status: 409, action: "discard" },
  retired: { status: 409, action: "discard" },
  "recipe-fixed": { status: 409, action: "discard" },
  "recipe-overtaken": { status: 409, action: "discard" },
  "recipe-changed": { status: 409, action: "new-ticket" },
  "model-taken": { status: 409, action: "discard" },
  "name-invalid": { status: 422, action: "discard" },
  "name-taken": { status: 409, action: "discard" },
  "name-blanked": { status: 409, action: "discard" },
  "name-late": { status: 409, action: "retry" },
  "tag-taken": { status: 409, action: "discard" },
  "tag-lower": { status: 409, action: "discard" },
  "tag-unproven": { status: 409, action: "discard" },
  "suite-taken": { status: 409, action: "discard" },
  "suite-decided": { status: 409, action: "discard" },
  "suites-full": { status: 409, action: "discard" },
  "already-contributed": { status: 409, action: "discard" },
  "proposals-full": { status: 409, action: "retry" },
  "proposal-decided": { status: 409, action: "discard" },
  stale: { status: 409, action: "new-ticket" },
  "too-large": { status: 413, action: "discard" },
  "range-unsatisfiable": { status: 416, action: "discard" },
  "suite-unfit": { status: 422, action: "discard" },
  "fork-foreign": { status: 422, action: "discard" },
  "base-unknown": { status: 422, action: "discard" },
  "ticket-unknown": { status: 422, action: "new-ticket" },
  "ticket-expired": { status: 422, action: "new-ticket" },
  "ticket-used": { status: 422, action: "new-ticket" },
  "ticket-foreign": { status: 422, action: "discard" },
  "ticket-mismatch": { status: 422, action: "new-ticket" },
  "no-effect": { status: 422, action: "new-ticket" },
  "norm-too-large": { status: 422, action: "new-ticket" },
  copied: { status: 422, action: "new-ticket" },
  unrelated: { status: 422, action: "new-ticket" },
  "spot-check-failed": { status: 422, action: "new-ticket" },
  "mask-mismatch": { status: 422, action: "new-ticket" },
  harmful: { status: 422, action: "new-ticket" },
  "judging-failed": { status: 422, action: "new-ticket" },
  "no-gain": { status: 422, action: "new-ticket" },
  "gate-failed": { status: 422, action: "new-ticket" },
  outdated: { status: 426, action: "discard" },
  "rate-limited": { status: 429, action: "retry" },
  internal: { status: 500, action: "retry" },
  unavailable: { status: 503, action: "retry" },
  "storage-full": { status: 507, action: "retry" },
} as const satisfies Record<string, { status: number; action: RejectAction }>;

export type RejectCode = keyof typeof REJECT_CODES;

/** An ordinary outcome: ok, or a code with a message for people. */
export type Verdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: RejectCode; readonly message: string };

export const OK: Verdict = { ok: true };

export function refuse(code: RejectCode, message: string): Verdict & { ok: false } {
  return { ok: false, code, message };
}
