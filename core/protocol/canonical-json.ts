import canonicalize from "canonicalize";
import type * as z from "zod/mini";
import { FormatError } from "../errors.ts";

/** The RFC 8785 form of `value`, UTF-8. Throws a FormatError for what JSON cannot hold, lone surrogates among it. */
export function encodeCanonical(value: unknown): Uint8Array<ArrayBuffer> {
  const text = canonicalOf(value);
  if (text === undefined) throw new FormatError("json: a value that JSON cannot hold");
  return new TextEncoder().encode(text);
}

function canonicalOf(value: unknown): string | undefined {
  try {
    return canonicalize(value);
  } catch (error) {
    throw new FormatError(`json: ${error instanceof Error ? error.message : error}`);
  }
}

const ESCAPED_SURROGATE = /\\u[dD][89a-fA-F]/;

/** Half a pair is no character: it has no UTF-8, so that nothing could hash or keep it. */
function refuseLoneSurrogates(name: string, value: unknown): unknown {
  if (!name.isWellFormed() || (typeof value === "string" && !value.isWellFormed())) {
    throw new FormatError("json: a lone surrogate");
  }
  return value;
}

/** Parse UTF-8 JSON `bytes` as `schema` says; `what` names it in the FormatError. */
export function parseJson<S extends z.ZodMiniType>(
  what: string,
  schema: S,
  bytes: Uint8Array,
): z.infer<S> {
  let value: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    value = ESCAPED_SURROGATE.test(text)
      ? JSON.parse(text, refuseLoneSurrogates)
      : JSON.parse(text);
  } catch {
    throw new FormatError(`${what}: not JSON in UTF-8, of whole characters`); // the parser's own words quote the sender
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
