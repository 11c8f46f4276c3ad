import canonicalize from "canonicalize";
import type * as z from "zod/mini";
import { FormatError } from "../errors.ts";

/** The RFC 8785 form of `value`, UTF-8. */
export function encodeCanonical(value: unknown): Uint8Array<ArrayBuffer> {
  const text = canonicalize(value);
  if (text === undefined) throw new FormatError("json: a value that JSON cannot hold");
  return new TextEncoder().encode(text);
}

/** Parse UTF-8 JSON `bytes` as `schema` says; `what` names it in the FormatError. */
export function parseJson<S extends z.ZodMiniType>(
  what: string,
  schema: S,
  bytes: Uint8Array,
): z.infer<S> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new FormatError(`${what}: not JSON in UTF-8`); // the parser's own words quote the sender
  }
  return parseValue(what, schema, value);
}

/** Check `value` against `schema`; the FormatError names the first thing that is wrong. */
export function parseValue<S extends z.ZodMiniType>(
  what: string,
  schema: S,
  value: unknown,
): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new FormatError(`${what}: ${issue?.path.join(".") || "value"}: ${issue?.message}`);
}
