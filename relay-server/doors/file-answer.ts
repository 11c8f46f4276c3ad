import type { Context } from "hono";
import { parseAccept } from "hono/utils/accept";
import { Refusal } from "./refusal.ts";

/** Bytes that can be read from any place on, such as a file's. */
export type Representation = {
  readonly sizeBytes: number;
  /** A strong one, with its quotes. */
  readonly etag: string;
  /** The bytes start…end−1. */
  readonly read: (start: number, end: number) => Promise<FileBody>;
};

export type FileBody = ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>;

/**
 * Answer with `whole`, or with what its conditions and ranges make of it (RFC 9110, 13 and 14); with `small`, the same
 * content gzipped, to a client that prefers it and asks for no range. HEAD opens nothing.
 */
export async function answerRepresentation(
  c: Context,
  { whole, small }: { readonly whole: Representation; readonly small?: Representation | null },
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const range = rangeOf(c, whole);
  const gzipped =
    small && range === null && prefersGzip(c.req.header("accept-encoding")) ? small : null;
  const chosen = gzipped ?? whole;
  const all: Record<string, string> = { ...headers, etag: chosen.etag, "accept-ranges": "bytes" };
  if (small !== undefined) all.vary = "accept-encoding";
  const etags = [whole.etag, ...(small ? [small.etag] : [])];
  const wanted = c.req.header("if-match");
  if (wanted !== undefined && !matches(wanted, etags)) return c.body(null, 412, all);
  const known = c.req.header("if-none-match");
  if (known !== undefined && matches(known, etags)) return c.body(null, 304, all);
  const { start, end } = range ?? { start: 0, end: chosen.sizeBytes };
  all["content-length"] = String(end - start);
  if (gzipped !== null) all["content-encoding"] = "gzip";
  if (range !== null) all["content-range"] = `bytes ${start}-${end - 1}/${whole.sizeBytes}`;
  // Hono drops the body of HEAD unread: a file opened for it would stay open
  const status = range === null ? 200 : 206;
  if (c.req.method === "HEAD") return c.body(null, status, all);
  const body = await chosen.read(start, end);
  return body instanceof Uint8Array ? c.body(body, status, all) : c.body(body, status, all);
}

/** Whether a list of entity tags, or `*`, names one of `etags`; whether a tag is weak does not matter here. */
export function matches(list: string, etags: readonly string[]): boolean {
  if (list.trim() === "*") return true;
  return [...list.matchAll(/"[^"]*"/g)].some(([tag]) => etags.includes(tag));
}

/** Whether `accept-encoding` wants gzip at least as much as the bytes as they are. */
export function prefersGzip(header: string | undefined): boolean {
  if (header === undefined) return false;
  const accepted = parseAccept(header);
  const quality = (name: string) => accepted.find(({ type }) => type.toLowerCase() === name)?.q;
  const gzip = quality("gzip") ?? quality("*") ?? 0;
  return gzip > 0 && gzip >= (quality("identity") ?? 0);
}

type Range = { readonly start: number; readonly end: number };

/**
 * The range that is to be sent; null for all bytes, as where several are asked for at once, the header is none, or the
 * client's part is of another version (`if-range`, by tag alone: nothing here has a date).
 */
function rangeOf(c: Context, { sizeBytes, etag }: Representation): Range | null {
  const header = c.req.header("range");
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header ?? "");
  if (match === null || (match[1] === "" && match[2] === "")) return null;
  const held = c.req.header("if-range");
  if (held !== undefined && held.trim() !== etag) return null;
  const [first, last] = [match[1] ?? "", match[2] ?? ""];
  const start = first === "" ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === "" || last === "" ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  if (start < end) return { start, end };
  throw new Refusal("range-unsatisfiable", `${header} of ${sizeBytes} bytes`, {
    "content-range": `bytes */${sizeBytes}`,
  });
}
