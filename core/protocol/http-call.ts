import * as z from "zod/mini";
import { type SigningKey, sha256 } from "../crypto/signature.ts";
import { FormatError } from "../errors.ts";
import { encodeCanonical, parseJson, parseValue } from "./canonical-json.ts";
import { type Fetch, type FetchInit, readBody } from "./fetch.ts";
import { PROTOCOL_HEADER, PROTOCOL_VERSION, SIGNATURE_HEADER } from "./limits.ts";
import type { RejectAction } from "./reject-codes.ts";
import { actionOf, RelayError } from "./relay-error.ts";
import { errorBody } from "./schemas/status.ts";
import { signRequest } from "./signed-request.ts";

export type CallOptions = { readonly signal?: AbortSignal };

export type BlobOptions = CallOptions & {
  /** Hears the size of every piece of the download. */
  readonly onBytes?: (bytes: number) => void;
  readonly maxBytes?: number;
  /** Where blobs are served, ending in "/": an address, or a path on the relay. */
  readonly prefix?: string;
};

const MAX_ANSWER_BYTES = 16 << 20; // a record with 16,384 merge inputs is 6 MB of JSON

type SignedRequest = { readonly request: unknown; readonly signer: SigningKey };

/** Requests to the relay at `baseUrl`, which throw as `createRelayClient` says. */
export function createHttpCall({ baseUrl, fetch }: { baseUrl: string; fetch: Fetch }) {
  const origin = baseUrl.replace(/\/$/, "");

  async function call(
    url: string,
    init: Omit<FetchInit, "signal">,
    { signal, onBytes, maxBytes = MAX_ANSWER_BYTES }: BlobOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const headers = { [PROTOCOL_HEADER]: String(PROTOCOL_VERSION), ...init.headers };
    try {
      const answer = await fetch(url, { ...init, headers, ...(signal ? { signal } : {}) });
      const bytes = await readBody(answer, maxBytes, answer.ok ? onBytes : undefined);
      if (answer.ok) return bytes;
      throw errorOf(bytes, answer.status, Number(answer.headers.get("retry-after")));
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (error instanceof RelayError) throw error;
      // fetch tells neither why nor where; its own words differ from browser to browser
      throw new RelayError("unreachable", "retry", `${origin} does not answer`);
    }
  }

  async function ask<S extends z.ZodMiniType>(
    schema: S,
    path: string,
    options: CallOptions = {},
    init: Omit<FetchInit, "signal"> = { method: "GET", headers: {} },
  ): Promise<z.infer<S>> {
    const bytes = await call(origin + path, init, options);
    const value = orError("unreachable", "retry", () => parseJson(path, z.unknown(), bytes));
    return orError("outdated", "discard", () => parseValue(path, schema, value));
  }

  /** `request` as it is posted with the signature of `signer` over its path and its bytes (protocol S3). */
  async function signedPost(path: string, { request, signer }: SignedRequest) {
    const post = jsonPost(request);
    const signature = await signRequest(path, post.body, signer);
    return { ...post, headers: { ...post.headers, [SIGNATURE_HEADER]: signature } };
  }

  return {
    /** The relay's origin. */
    origin,
    /** The bytes that come for `init`, at most `maxBytes`. */
    call,
    /** The JSON that comes for `init`, as its schema has it. */
    ask,
    /** The JSON that comes for a signed request. */
    askSigned: async <S extends z.ZodMiniType>(
      schema: S,
      path: string,
      signed: SignedRequest,
      options?: CallOptions,
    ) => ask(schema, path, options, await signedPost(path, signed)),
    /** The bytes that come for a signed request. */
    bytesForSigned: async (path: string, signed: SignedRequest, options: BlobOptions = {}) =>
      call(origin + path, await signedPost(path, signed), options),
    /** Put bytes, and hear of them in JSON. */
    putBytes<S extends z.ZodMiniType>(
      schema: S,
      path: string,
      { body, headers: own }: Required<Pick<FetchInit, "body" | "headers">>,
      options?: CallOptions,
    ) {
      const headers = { "content-type": "application/octet-stream", ...own };
      return ask(schema, path, options, { method: "PUT", headers, body });
    },
  };
}
export type HttpCall = ReturnType<typeof createHttpCall>;

/** How `request` is posted. */
export function jsonPost(request: unknown, own: Record<string, string> = {}) {
  const headers = { "content-type": "application/json", ...own };
  return { method: "POST", headers, body: encodeCanonical(request) } as const;
}

/** `value` within a path. */
export function segment(value: number | string): string {
  return encodeURIComponent(value);
}

/** What comes after a path; nothing for what is undefined. */
export function query(values: Record<string, string | number | undefined>): string {
  const pairs = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value ?? "")}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

/** `bytes`, whose SHA-256 must be `id`. */
export async function hashed(
  id: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const found = await sha256(bytes);
  if (found === id) return bytes;
  throw new RelayError("blob-damaged", "retry", `blob ${id}: its bytes hash to ${found}`);
}

/** What `read` returns; an answer that it refuses is `code`, and what to do about it `action`. */
function orError<T>(code: "unreachable" | "outdated", action: RejectAction, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new RelayError(code, action, error.message);
  }
}

function errorOf(bytes: Uint8Array, status: number, retryAfter: number): RelayError {
  const seconds = retryAfter > 0 && retryAfter < 86_400 ? retryAfter : null;
  try {
    const { error } = parseJson("error", errorBody, bytes);
    return new RelayError(error.code, actionOf(error.code, status), error.message, seconds);
  } catch {
    // not the relay's own words: a proxy in between, which answers for it while it is away
    return new RelayError("unreachable", "retry", `answer: status ${status}`, seconds);
  }
}
