import * as z from "zod/mini";
import { type SigningKey, sha256, signId } from "../crypto/signature.ts";
import { FormatError } from "../errors.ts";
import { encodeCanonical, parseJson, parseValue } from "./canonical-json.ts";
import { type Fetch, type FetchInit, readBody } from "./fetch.ts";
import { PROTOCOL_HEADER, PROTOCOL_VERSION, SIGNATURE_HEADER, TICKET_HEADER } from "./limits.ts";
import type { RejectAction } from "./reject-codes.ts";
import { actionOf, RelayError } from "./relay-error.ts";
import { routes } from "./routes.ts";
import { actList } from "./schemas/act.ts";
import { type AdditionRequest, additionChunk, additionStatus } from "./schemas/addition.ts";
import {
  auditLog,
  type BanRequest,
  banStatus,
  maintainerSession,
  type PauseRequest,
  type RecipeRequest,
  type RevertRequest,
  revertStatus,
  type SuiteRequest,
  type TagRequest,
  type UnbanRequest,
  type UntagRequest,
} from "./schemas/admin.ts";
import { checkpointPlan } from "./schemas/checkpoint.ts";
import { cloth } from "./schemas/cloth.ts";
import { contribution, contributionList } from "./schemas/contribution.ts";
import {
  type BlankRequest,
  contributorCard,
  type NameRequest,
  namedContributor,
} from "./schemas/contributor.ts";
import {
  type DismissalRequest,
  type JobRequest,
  type JudgeRequest,
  jobAnswer,
  judgeList,
  judgementReceipt,
} from "./schemas/judging.ts";
import { banPreview, modelPreview, revertAnswer, tagPreview } from "./schemas/previews.ts";
import { refusedWork } from "./schemas/refused-work.ts";
import {
  errorBody,
  health,
  type LeaderboardWindow,
  leaderboard,
  modelCard,
  modelHealth,
  modelList,
  type RelayEvent,
  shardLedger,
} from "./schemas/status.ts";
import { suiteLife, suiteList } from "./schemas/suite.ts";
import { type HoldersRequest, holdersAnswer } from "./schemas/swarm.ts";
import { type TicketRequest, ticketAnswer } from "./schemas/ticket.ts";
import { signedVersion, versionList } from "./schemas/version.ts";
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
const MAX_BLOB_BYTES = 64 << 20; // a delta step of 2% of 500M parameters is 50 MB

/**
 * The HTTP contract (protocol H) over a passed-in `fetch`; `baseUrl` is the relay's origin. What a
 * method returns went through its schema, and a blob's bytes through their hash. What fails throws a
 * RelayError; an aborted call throws its signal's reason. An answer in JSON that its schema refuses is
 * "outdated", as the relay's own 426 is: it is a newer relay's, and asking again would not help.
 */
export function createRelayClient({ baseUrl, fetch }: { baseUrl: string; fetch: Fetch }) {
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

  const blobUrl = (id: string, prefix = routes.blob("")) =>
    (prefix.startsWith("/") ? origin + prefix : prefix) + id;

  return {
    /** The relay's origin. */
    origin,
    health: (options?: CallOptions) => ask(health, routes.health(), options),
    models: async (options?: CallOptions) =>
      (await ask(modelList, routes.models(), options)).models,
    model: (model: string, options?: CallOptions) => ask(modelCard, routes.model(model), options),

    /** A page of the history, newest first; `before` is the last page's `next`. */
    versions: (model: string, { before, ...options }: CallOptions & { before?: number } = {}) =>
      ask(versionList, routes.versions(model) + query({ before }), options),
    /** `version` is a number, an id, a tag, or "head". */
    version: (model: string, version: number | string, options?: CallOptions) =>
      ask(signedVersion, routes.version(model, segment(version)), options),
    /** How to build a version; with `from`, out of the version that the asker holds. */
    checkpoint: (
      model: string,
      version: number | string,
      { from, ...options }: CallOptions & { from?: number } = {},
    ) => ask(checkpointPlan, routes.checkpoint(model, segment(version)) + query({ from }), options),
    /** What a version's contributions touched, as a picture. */
    cloth: (model: string, version: number | string, options?: CallOptions) =>
      ask(cloth, routes.cloth(model, segment(version)), options),
    /** What maintainers decided about the model, signed; nothing of it has been verified. */
    acts: async (model: string, options?: CallOptions) =>
      (await ask(actList, routes.acts(model), options)).acts,
    /** Suites that people proposed, the newest first. */
    suites: async (model: string, options?: CallOptions) =>
      (await ask(suiteList, routes.suites(model), options)).suites,
    suite: (id: string, options?: CallOptions) => ask(suiteLife, routes.suite(id), options),
    /** Propose a suite: its file, and the signature of the contributor whom the file names. */
    putSuite: (
      id: string,
      body: Uint8Array<ArrayBuffer>,
      signature: string,
      options?: CallOptions,
    ) => {
      const headers = {
        "content-type": "application/octet-stream",
        [SIGNATURE_HEADER]: signature,
      };
      return ask(suiteLife, routes.suite(id), options, { method: "PUT", headers, body });
    },
    shards: (model: string, options?: CallOptions) =>
      ask(shardLedger, routes.shards(model), options),

    /** The bytes whose SHA-256 is `id`; others are never returned. */
    async blob(id: string, options: BlobOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
      const limits = { maxBytes: MAX_BLOB_BYTES, ...options };
      const bytes = await call(blobUrl(id, options.prefix), { method: "GET", headers: {} }, limits);
      return hashed(id, bytes);
    },

    /** The bytes from `from` on, above 0, of a blob of `sizeBytes`; whether they are right shows in the whole alone. */
    async blobRest(
      id: string,
      sizeBytes: number,
      from: number,
      { prefix, signal }: Pick<BlobOptions, "prefix" | "signal">,
    ): Promise<Uint8Array> {
      const limits = { maxBytes: sizeBytes, ...(signal ? { signal } : {}) };
      const headers = { range: `bytes=${from}-` };
      const bytes = await call(blobUrl(id, prefix), { method: "GET", headers }, limits);
      if (bytes.length === sizeBytes - from) return bytes;
      if (bytes.length === sizeBytes) return bytes.subarray(from); // a cache may know no ranges
      const message = `blob ${id}: ${bytes.length} bytes after ${from} of ${sizeBytes}`;
      throw new RelayError("blob-damaged", "retry", message);
    },

    /** Tell which chunks this peer of the relay's signalling has, and hear who has others. */
    holders: (model: string, request: HoldersRequest, options?: CallOptions) => {
      const headers = { "content-type": "application/json" };
      const body = encodeCanonical(request);
      return ask(holdersAnswer, routes.holders(model), options, { method: "POST", headers, body });
    },

    /** Ask for work; `signer` is the private key of `request.contributor`. */
    async ticket(model: string, request: TicketRequest, signer: SigningKey, options?: CallOptions) {
      const path = routes.tickets(model);
      const body = encodeCanonical(request);
      const headers = {
        "content-type": "application/json",
        [SIGNATURE_HEADER]: await signRequest(path, body, signer),
      };
      return ask(ticketAnswer, path, options, { method: "POST", headers, body });
    },
    /**
     * Send a patch; the answer is the receipt, the same however often it is sent. With `ticket`, the id of the patch's
     * ticket, the relay knows the sender before it takes the bytes (H31).
     */
    putContribution: (
      id: string,
      body: Uint8Array<ArrayBuffer>,
      signature: string,
      { ticket, ...options }: CallOptions & { ticket?: string } = {},
    ) => {
      const headers = {
        "content-type": "application/octet-stream",
        [SIGNATURE_HEADER]: signature,
        ...(ticket !== undefined && { [TICKET_HEADER]: ticket }),
      };
      return ask(contribution, routes.contribution(id), options, { method: "PUT", headers, body });
    },
    /** Ask for a job as a judge, or go on with the one that it holds; `signer` is the private key of `request.judge`. */
    async job(request: JobRequest, signer: SigningKey, options?: CallOptions) {
      const path = routes.jobs();
      const body = encodeCanonical(request);
      const headers = {
        "content-type": "application/json",
        [SIGNATURE_HEADER]: await signRequest(path, body, signer),
      };
      return ask(jobAnswer, path, options, { method: "POST", headers, body });
    },
    /** Hand in what a job came to. */
    async putJudgement(
      id: string,
      body: Uint8Array<ArrayBuffer>,
      signer: SigningKey,
      options?: CallOptions,
    ) {
      const headers = {
        "content-type": "application/octet-stream",
        [SIGNATURE_HEADER]: await signId("judgement", await sha256(body), signer),
      };
      return ask(judgementReceipt, routes.job(id), options, { method: "PUT", headers, body });
    },
    contribution: (id: string, options?: CallOptions) =>
      ask(contribution, routes.contribution(id), options),
    /** A contributor's contributions, newest first. */
    contributions: async ({ contributor, ...options }: CallOptions & { contributor: string }) =>
      (await ask(contributionList, routes.contributions() + query({ contributor }), options))
        .contributions,

    /** What somebody has done for a model, under which name. */
    contributor: (contributor: string, model: string, options?: CallOptions) =>
      ask(contributorCard, routes.contributor(segment(contributor)) + query({ model }), options),
    /** Where somebody's newest merged patches reached, as a picture. */
    contributorCloth: (contributor: string, model: string, options?: CallOptions) =>
      ask(cloth, routes.contributorCloth(segment(contributor)) + query({ model }), options),
    /** Choose a name, or take it back; `signer` is the private key of `request.contributor`. */
    async putName(request: NameRequest, signer: SigningKey, options?: CallOptions) {
      const path = routes.contributorName(request.contributor);
      const body = encodeCanonical(request);
      const headers = {
        "content-type": "application/json",
        [SIGNATURE_HEADER]: await signRequest(path, body, signer),
      };
      return ask(namedContributor, path, options, { method: "POST", headers, body });
    },

    refusedWork: (model: string, options?: CallOptions) =>
      ask(refusedWork, routes.refusedWork() + query({ model }), options),
    leaderboard: (model: string, window: LeaderboardWindow, options?: CallOptions) =>
      ask(leaderboard, routes.leaderboard() + query({ model, window }), options),
    /** What a maintainer may do who has `token`; null in a page whose maintainer is signed in. */
    maintainer(token: string | null) {
      const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
      const get = { method: "GET", headers: authorization } as const;
      const post = (request: unknown) => {
        const headers = { "content-type": "application/json", ...authorization };
        return { method: "POST", headers, body: encodeCanonical(request) } as const;
      };
      return {
        judges: (options?: CallOptions) => ask(judgeList, routes.judges(), options, get),
        /** Let a machine do the relay's training. */
        nameJudge: (request: JudgeRequest, options?: CallOptions) =>
          ask(judgeList, routes.judges(), options, post(request)),
        dismissJudge: (request: DismissalRequest, options?: CallOptions) =>
          ask(judgeList, routes.dismissals(), options, post(request)),
        pause: (request: PauseRequest, options?: CallOptions) =>
          ask(modelHealth, routes.pause(), options, post(request)),
        resume: (request: PauseRequest, options?: CallOptions) =>
          ask(modelHealth, routes.resume(), options, post(request)),
        /** Give out no work of a model any more, for good, or take that back. */
        retire: (request: PauseRequest, options?: CallOptions) =>
          ask(modelHealth, routes.retire(), options, post(request)),
        unretire: (request: PauseRequest, options?: CallOptions) =>
          ask(modelHealth, routes.unretire(), options, post(request)),
        /** Give a model another recipe. */
        changeRecipe: (request: RecipeRequest, options?: CallOptions) =>
          ask(modelHealth, routes.recipe(), options, post(request)),
        /** Begin to add a model or go on with it; once the relay has all of its chunks, import it. */
        add: (request: AdditionRequest, options?: CallOptions) =>
          ask(additionStatus, routes.additions(), options, post(request)),
        addition: (id: string, options?: CallOptions) =>
          ask(additionStatus, routes.addition(id), options, get),
        putAdditionChunk: (
          id: string,
          chunk: { readonly sha256: string; readonly bytes: Uint8Array<ArrayBuffer> },
          options?: CallOptions,
        ) => {
          const headers = { "content-type": "application/octet-stream", ...authorization };
          const init = { method: "PUT", headers, body: chunk.bytes } as const;
          return ask(additionChunk, routes.additionChunk(id, chunk.sha256), options, init);
        },
        /** Ask that a contribution be taken out; the relay does it in the background. */
        requestRevert: (request: RevertRequest, options?: CallOptions) =>
          ask(revertStatus, routes.reverts(), options, post(request)),
        revert: (contribution: string, options?: CallOptions) =>
          ask(revertStatus, routes.revert(segment(contribution)), options, get),
        /** Take no work of a contributor any more, and refuse what waits of theirs. */
        ban: (request: BanRequest, options?: CallOptions) =>
          ask(banStatus, routes.ban(), options, post(request)),
        unban: (request: UnbanRequest, options?: CallOptions) =>
          ask(banStatus, routes.unban(), options, post(request)),
        /** Take a contributor's name off every page. */
        blankName: (request: BlankRequest, options?: CallOptions) =>
          ask(namedContributor, routes.blankName(), options, post(request)),
        /** Let a contributor choose a name again. */
        unblankName: (request: BlankRequest, options?: CallOptions) =>
          ask(namedContributor, routes.unblankName(), options, post(request)),
        /** Let the gate test on a suite from now on. */
        acceptSuite: (request: SuiteRequest, options?: CallOptions) =>
          ask(suiteLife, routes.acceptSuite(), options, post(request)),
        refuseSuite: (request: SuiteRequest, options?: CallOptions) =>
          ask(suiteLife, routes.refuseSuite(), options, post(request)),
        /** Let the gate not test on an accepted suite any more. */
        withdrawSuite: (request: SuiteRequest, options?: CallOptions) =>
          ask(suiteLife, routes.withdrawSuite(), options, post(request)),
        /** The file of a suite that waits. */
        suiteFile: async (id: string, options: CallOptions = {}) =>
          hashed(id, await call(origin + routes.suiteFile(id), get, options)),
        /** Make a version a release; a tag names one version for ever. */
        tag: (request: TagRequest, options?: CallOptions) =>
          ask(modelHealth, routes.tag(), options, post(request)),
        /** Take a release back; its number stays taken. */
        untag: (request: UntagRequest, options?: CallOptions) =>
          ask(modelHealth, routes.untag(), options, post(request)),
        /** What pausing the model, or going on with it, would concern. */
        previewModel: (model: string, options?: CallOptions) =>
          ask(modelPreview, routes.previewModel() + query({ model }), options, get),
        /** What a revert would do; the relay may still be at work at the answer. */
        previewRevert: (wish: { model: string; contribution: string }, options?: CallOptions) =>
          ask(revertAnswer, routes.previewRevert() + query(wish), options, get),
        /** What a version would be as the next release, and which number the evidence proposes. */
        previewTag: (wish: { model: string; version?: number }, options?: CallOptions) =>
          ask(tagPreview, routes.previewTag() + query(wish), options, get),
        previewBan: (contributor: string, options?: CallOptions) =>
          ask(banPreview, routes.previewBan() + query({ contributor }), options, get),
        /** Sign in on the page that calls: what follows needs no token there. */
        signIn: (options?: CallOptions) =>
          ask(maintainerSession, routes.session(), options, post({})),
        session: (options?: CallOptions) => ask(maintainerSession, routes.session(), options, get),
        signOut: (options?: CallOptions) =>
          ask(maintainerSession, routes.sessionEnd(), options, post({})),
        audit: (options?: CallOptions) => ask(auditLog, routes.audit(), options, get),
      };
    },
    /** The address for an EventSource that hears `topics`. */
    eventsUrl: (topics: readonly RelayEvent["type"][]) =>
      origin + routes.events() + query({ topics: topics.join(",") }),
    /** The address of a version's checkpoint as one safetensors file. */
    exportUrl: (model: string, version: number | string) =>
      origin + routes.exported(model, segment(version)),
    /** The address of a version as other tools load it, by a name such as f16.gguf (core/models/downloads.ts). */
    downloadUrl: (model: string, version: number | string, name: string) =>
      origin + routes.download(model, segment(version), name),
  };
}
export type RelayClient = ReturnType<typeof createRelayClient>;

function segment(value: number | string): string {
  return encodeURIComponent(value);
}

function query(values: Record<string, string | number | undefined>): string {
  const pairs = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value ?? "")}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

/** `bytes`, whose SHA-256 must be `id`. */
async function hashed(
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
