import type { Context } from "hono";
import { assert } from "../../core/errors.ts";
import { Refusal } from "./refusal.ts";

/** The part of the path that the route's pattern calls `:name`. */
export function pathPart(c: Context, name: "model" | "version" | "sha256" | "id" | "name"): string {
  const value = c.req.param(name);
  assert(value !== undefined, `no :${name} in the pattern of ${c.req.path}`);
  return value;
}

/** A query's whole number, null if it is not there. */
export function queryNumber(c: Context, name: string): number | null {
  const text = c.req.query(name);
  if (text === undefined) return null;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Refusal("malformed", `?${name} must be a whole number`);
}

/** Whether a part of a path can be a SHA-256; what else a path may hold is not for the ledger. */
export function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
