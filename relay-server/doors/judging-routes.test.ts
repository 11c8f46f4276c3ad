import type { Context } from "hono";
import { expect, test } from "vitest";
import {
  generateKeyPair,
  type KeyPair,
  publicKeyHex,
  sha256,
  signId,
} from "../../core/crypto/signature.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import { SIGNATURE_HEADER } from "../../core/protocol/limits.ts";
import { routes } from "../../core/protocol/routes.ts";
import type { JobAnswer, JudgingJob } from "../../core/protocol/schemas/judging.ts";
import { signRequest } from "../../core/protocol/signed-request.ts";
import { encodeJudgement } from "../../core/training/judgement.ts";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import type { RelayContext } from "../context.ts";
import { createJobs } from "../judging/jobs.ts";
import { createJurors } from "../judging/jurors.ts";
import { judgingRoutes } from "./judging-routes.ts";
import type { Limits } from "./limits.ts";
import { answerError } from "./refusal.ts";

const SIZE = 172; // parameters of the tiny model
const LEASE_MS = 60_000;
const offered: Omit<JudgingJob, "id"> = {
  model: "tiny",
  architecture: tinyRecipe.architecture,
  base: { number: 0, checkpoint: "00".repeat(32) },
  work: {
    kind: "own-mask",
    policy: { examples: 1, damping: 0, outputShare: 0, vectorShare: 0, tensorCap: 1 },
    count: 1,
    pieces: [{ shards: [], seed: 1 }],
  },
};

async function judgeWith(keys: KeyPair) {
  const sign = async (bytes: Uint8Array<ArrayBuffer>) =>
    signId("judgement", await sha256(bytes), keys.privateKey);
  return { judge: await publicKeyHex(keys), sign };
}

test("J3: an answer whose lease lapsed while its bytes came is refused, and not taken for the next holder's", async () => {
  const [slow, next] = [
    await judgeWith(await generateKeyPair(true)),
    await judgeWith(await generateKeyPair(true)),
  ];
  let now = 1_000_000;
  const clock = () => now;
  const jobs = createJobs(clock, () => "1".repeat(32));
  const context = {
    people: { isJudge: async () => true },
    models: new Map([["tiny", { layout: { size: SIZE } }]]),
    clock,
  } as unknown as RelayContext; // the routes need no more of it
  const bodies: Promise<Uint8Array<ArrayBuffer>>[] = [];
  const asked = Promise.withResolvers<void>();
  const upload = () => {
    asked.resolve();
    return bodies.shift()!;
  };
  const app = judgingRoutes(context, { jobs, jurors: createJurors(clock) }, {
    upload,
  } as unknown as Limits);
  app.onError(answerError);
  const put = async ({ sign }: typeof slow, id: string, bytes: Uint8Array<ArrayBuffer>) => {
    const headers = { [SIGNATURE_HEADER]: await sign(bytes) };
    return app.request(routes.job(id), { method: "PUT", headers });
  };

  jobs.take(slow.judge);
  const answer = jobs.offer(offered);
  const { id } = jobs.take(slow.judge)!;
  const answerOf = (position: number) =>
    encodeJudgement(id, { kind: "own-mask", positions: Uint32Array.of(position) }, SIZE);
  const held = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
  bodies.push(held.promise);
  const late = put(slow, id, answerOf(1));
  await asked.promise;
  now += LEASE_MS;
  expect(jobs.take(next.judge)?.id).toBe(id);
  held.resolve(answerOf(1));
  expect((await late).status).toBe(404);
  bodies.push(Promise.resolve(answerOf(2)));
  expect((await put(next, id, answerOf(2))).status).toBe(201);
  expect(await answer).toEqual({
    judge: next.judge,
    judgement: { kind: "own-mask", positions: Uint32Array.of(2) },
  });
  jobs.close();
});

test("J2: a named judge's key is not counted, and its next question gives up what it held; a stranger's key is counted", async () => {
  const [named, stranger] = [await generateKeyPair(true), await generateKeyPair(true)];
  const judge = await publicKeyHex(named);
  const clock = () => 1_000_000;
  const jobs = createJobs(clock, () => "1".repeat(32));
  const context = {
    people: { isJudge: async (key: string) => key === judge },
    clock,
  } as unknown as RelayContext; // the routes need no more of it
  const counted: string[] = [];
  const limits = {
    request: async (c: Context) => new Uint8Array(await c.req.arrayBuffer()),
    key: (key: string) => void counted.push(key),
  } as unknown as Limits;
  const app = judgingRoutes(context, { jobs, jurors: createJurors(clock) }, limits);
  app.onError(answerError);
  const ask = async (keys: KeyPair) => {
    const body = encodeCanonical({ judge: await publicKeyHex(keys), issuedAt: clock() });
    const signature = await signRequest(routes.jobs(), body, keys.privateKey);
    const headers = { [SIGNATURE_HEADER]: signature };
    const answer = await app.request(routes.jobs(), { method: "POST", headers, body });
    return { status: answer.status, ...((await answer.json()) as JobAnswer) };
  };

  jobs.take(judge);
  const answer = jobs.offer(offered);
  for (let leases = 0; leases < 2; leases++) {
    expect(await ask(named)).toMatchObject({ status: 200, job: { id: "1".repeat(32) } });
  }
  void ask(named); // listens for the next one
  expect(await answer).toBeNull();
  expect(counted).toEqual([]);
  expect(await ask(stranger)).toMatchObject({ status: 403, error: { code: "judge-unknown" } });
  expect(counted).toEqual([await publicKeyHex(stranger)]);
  jobs.close();
});
