import { type SigningKey, sha256, signId } from "../crypto/signature.ts";
import type { Fetch } from "./fetch.ts";
import {
  type BlobOptions,
  type CallOptions,
  createHttpCall,
  hashed,
  jsonPost,
  query,
  segment,
} from "./http-call.ts";
import { SIGNATURE_HEADER, TICKET_HEADER } from "./limits.ts";
import { createMaintainerClient, type Maintainer } from "./maintainer-client.ts";
import { createReadingClient } from "./reading-client.ts";
import { RelayError } from "./relay-error.ts";
import { routes } from "./routes.ts";
import { actList } from "./schemas/act.ts";
import { alertList } from "./schemas/alerts.ts";
import { checkpointPlan } from "./schemas/checkpoint.ts";
import { cloth } from "./schemas/cloth.ts";
import { contribution } from "./schemas/contribution.ts";
import { contributorCard, type NameRequest, namedContributor } from "./schemas/contributor.ts";
import { flow } from "./schemas/flow.ts";
import {
  type JobInputRequest,
  type JobRequest,
  jobAnswer,
  judgementReceipt,
} from "./schemas/judging.ts";
import { now } from "./schemas/now.ts";
import { proposalLife, proposalList } from "./schemas/proposal.ts";
import { refusedWork } from "./schemas/refused-work.ts";
import { releaseSeal } from "./schemas/release.ts";
import { modelCard } from "./schemas/status.ts";
import { suiteLife, suiteList } from "./schemas/suite.ts";
import { type HoldersRequest, holdersAnswer } from "./schemas/swarm.ts";
import { type TicketRequest, ticketAnswer } from "./schemas/ticket.ts";

const MAX_BLOB_BYTES = 64 << 20; // a delta step of 2% of 500M parameters is 50 MB

/**
 * The HTTP contract (protocol H) over a passed-in `fetch`; `baseUrl` is the relay's origin. What a
 * method returns went through its schema, and a blob's bytes through their hash. What fails throws a
 * RelayError; an aborted call throws its signal's reason. An answer in JSON that its schema refuses is
 * "outdated", as the relay's own 426 is: it is a newer relay's, and asking again would not help.
 */
export function createRelayClient({ baseUrl, fetch }: { baseUrl: string; fetch: Fetch }) {
  const http = createHttpCall({ baseUrl, fetch });
  const { origin, call, ask, askSigned, bytesForSigned, putBytes } = http;

  const blobUrl = (id: string, prefix = routes.blob("")) =>
    (prefix.startsWith("/") ? origin + prefix : prefix) + id;

  return {
    ...createReadingClient(http),
    model: (model: string, options?: CallOptions) => ask(modelCard, routes.model(model), options),
    /** How to build a version; with `from`, out of the version that the asker holds. */
    checkpoint: (
      model: string,
      version: number | string,
      { from, ...options }: CallOptions & { from?: number } = {},
    ) => ask(checkpointPlan, routes.checkpoint(model, segment(version)) + query({ from }), options),
    /** What leads from version `from` to version `number` in one file; null where the relay has none for now: its steps lead there too. */
    async difference(
      model: string,
      { from, number }: { from: number; number: number },
      options: BlobOptions = {},
    ): Promise<Uint8Array<ArrayBuffer> | null> {
      const path = routes.download(model, segment(number), `since-${from}.safetensors`);
      const limits = { maxBytes: MAX_BLOB_BYTES, ...options };
      try {
        return await call(origin + path, { method: "GET", headers: {} }, limits);
      } catch (error) {
        if (error instanceof RelayError) return null;
        throw error;
      }
    },
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
      const headers = { [SIGNATURE_HEADER]: signature };
      return putBytes(suiteLife, routes.suite(id), { body, headers }, options);
    },
    /** The relay's signatures of a release. */
    releaseSeal: (model: string, tag: string, options?: CallOptions) =>
      ask(releaseSeal, routes.download(model, segment(tag), "release.json"), options),
    /** What was proposed to a model from its forks, the newest first. */
    proposals: async (model: string, options?: CallOptions) =>
      (await ask(proposalList, routes.proposals(model), options)).proposals,
    proposal: (model: string, id: string, options?: CallOptions) =>
      ask(proposalLife, routes.proposal(model, id), options),
    /** Offer a fork's contribution to `model`: a proposal's file, and the signature of the contribution's author. */
    putProposal: (
      model: string,
      { id, body, signature }: { id: string; body: Uint8Array<ArrayBuffer>; signature: string },
      options?: CallOptions,
    ) => {
      const headers = { [SIGNATURE_HEADER]: signature };
      return putBytes(proposalLife, routes.proposal(model, id), { body, headers }, options);
    },

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
      { prefix, ...options }: Omit<BlobOptions, "maxBytes">,
    ): Promise<Uint8Array> {
      const limits = { ...options, maxBytes: sizeBytes };
      const headers = { range: `bytes=${from}-` };
      const bytes = await call(blobUrl(id, prefix), { method: "GET", headers }, limits);
      if (bytes.length === sizeBytes - from) return bytes;
      if (bytes.length === sizeBytes) return bytes.subarray(from); // a cache may know no ranges
      const message = `blob ${id}: ${bytes.length} bytes after ${from} of ${sizeBytes}`;
      throw new RelayError("blob-damaged", "retry", message);
    },

    /** Tell which chunks this peer of the relay's signalling has, and hear who has others. */
    holders: (model: string, request: HoldersRequest, options?: CallOptions) =>
      ask(holdersAnswer, routes.holders(model), options, jsonPost(request)),

    /** Ask for work; `signer` is the private key of `request.contributor`. */
    ticket: (model: string, request: TicketRequest, signer: SigningKey, options?: CallOptions) =>
      askSigned(ticketAnswer, routes.tickets(model), { request, signer }, options),
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
        [SIGNATURE_HEADER]: signature,
        ...(ticket !== undefined && { [TICKET_HEADER]: ticket }),
      };
      return putBytes(contribution, routes.contribution(id), { body, headers }, options);
    },
    /** Ask for a job as a judge, or go on with the one that it holds; `signer` is the private key of `request.judge`. */
    job: (request: JobRequest, signer: SigningKey, options?: CallOptions) =>
      askSigned(jobAnswer, routes.jobs(), { request, signer }, options),
    /** A file that a held job names by its hash. */
    async jobInput(
      id: string,
      hash: string,
      request: JobInputRequest,
      signer: SigningKey,
      options?: CallOptions,
    ) {
      const path = routes.jobInput(id, hash);
      const limits = { maxBytes: MAX_BLOB_BYTES, ...options };
      return hashed(hash, await bytesForSigned(path, { request, signer }, limits));
    },
    /** Hand in what a job came to. */
    async putJudgement(
      id: string,
      body: Uint8Array<ArrayBuffer>,
      signer: SigningKey,
      options?: CallOptions,
    ) {
      const headers = { [SIGNATURE_HEADER]: await signId("judgement", await sha256(body), signer) };
      return putBytes(judgementReceipt, routes.job(id), { body, headers }, options);
    },
    contribution: (id: string, options?: CallOptions) =>
      ask(contribution, routes.contribution(id), options),

    /** What somebody has done for a model, under which name. */
    contributor: (contributor: string, model: string, options?: CallOptions) =>
      ask(contributorCard, routes.contributor(segment(contributor)) + query({ model }), options),
    /** Where somebody's newest merged patches reached, as a picture. */
    contributorCloth: (contributor: string, model: string, options?: CallOptions) =>
      ask(cloth, routes.contributorCloth(segment(contributor)) + query({ model }), options),
    /** Choose a name, or take it back; `signer` is the private key of `request.contributor`. */
    putName: (request: NameRequest, signer: SigningKey, options?: CallOptions) => {
      const path = routes.contributorName(request.contributor);
      return askSigned(namedContributor, path, { request, signer }, options);
    },

    /** What needs a maintainer, and from where on. */
    alerts: (options?: CallOptions) => ask(alertList, routes.alerts(), options),
    refusedWork: (model: string, options?: CallOptions) =>
      ask(refusedWork, routes.refusedWork() + query({ model }), options),
    /** What became of the day's work, station by station. */
    flow: (model: string, options?: CallOptions) =>
      ask(flow, routes.flow() + query({ model }), options),
    /** Who trains this minute, and how far the next version is. */
    now: (model: string, options?: CallOptions) =>
      ask(now, routes.now() + query({ model }), options),
    /** What a maintainer may do who has `token`; null in a page whose maintainer is signed in. */
    maintainer: (token: string | null): Maintainer => createMaintainerClient(http, token),
  };
}
export type RelayClient = ReturnType<typeof createRelayClient>;
