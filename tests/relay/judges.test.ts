import { afterEach, expect, test, vi } from "vitest";
import { createJobRunner, type JobOptions } from "../../cli/judging/do-job.ts";
import { judgeOnce } from "../../cli/judging/judge.ts";
import { generateKeyPair, type KeyPair, publicKeyHex } from "../../core/crypto/signature.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { JudgingJob } from "../../core/protocol/schemas/judging.ts";
import { decodeJudgement, encodeJudgement } from "../../core/training/judgement.ts";
import { eventually } from "../fixtures/eventually.ts";
import { maintainerOf } from "../fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 120_000 }); // each test starts a relay with its threads
const recipe = {
  merge: { ...tinyRecipe.merge, cohortSize: 1 },
  score: { ...tinyRecipe.score, references: 2, spotCheckShare: 1 },
};
const REASON = "It stands in our cellar.";
let relay: TestRelay;
afterEach(() => relay.remove());

type Answer = (job: JudgingJob, honest: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;

/** A judge that a maintainer has named, at work until it is stopped; the kinds of the jobs that its answers were taken of. */
async function startJudge(answer: Answer = (_, honest) => honest) {
  const keys = await generateKeyPair(true);
  const judge = await publicKeyHex(keys);
  const maintainer = await maintainerOf(relay);
  await maintainer.nameJudge({ judge, name: "cellar", reason: REASON });
  const kinds: string[] = [];
  const refusals: unknown[] = []; // codes
  const runner = createJobRunner(relay.client);
  const stopping = new AbortController();
  const doJob = async (job: JudgingJob, options: JobOptions) => {
    const bytes = answer(job, await runner(job, options));
    kinds.push(job.work.kind);
    return bytes;
  };
  await askOnce(keys); // it is there before there is work
  const working = (async () => {
    while (!stopping.signal.aborted) {
      const pause = await judgeOnce(relay.client, keys, doJob, stopping.signal).catch(
        ({ code }) => {
          refusals.push(code);
          return 1;
        },
      );
      if (pause !== null) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    judge,
    kinds,
    refusals,
    maintainer,
    async stop() {
      stopping.abort();
      await working;
    },
  };
}

async function askOnce({ privateKey, publicKey }: KeyPair) {
  const judge = await publicKeyHex({ privateKey, publicKey });
  return relay.client.job({ judge, issuedAt: relay.now() }, privateKey);
}

async function mergeOne(): Promise<string> {
  const volunteer = await createVolunteer(relay.client, { ...tinyRecipe, ...recipe });
  const { id, bytes, signature } = await contribute(volunteer, relay.now());
  await relay.client.putContribution(id, bytes, signature);
  return (await relay.decided(id)).state;
}

test("J1: a key that no maintainer has named is given nothing", async () => {
  relay = await startTestRelay({ source: tinyModel(recipe), seed: "stranger" });
  const refused = askOnce(await generateKeyPair(true));
  await expect(refused).rejects.toMatchObject({ code: "judge-unknown" });
});

test("J4: a judge trains and evaluates all that a contribution needs, which is then merged", async () => {
  relay = await startTestRelay({ source: tinyModel(recipe), seed: "judge", lots: 255 });
  const { kinds, stop, maintainer, judge } = await startJudge();
  expect(await mergeOne()).toBe("merged");
  await stop();
  expect(kinds.filter((kind) => kind === "train")).toHaveLength(2); // a reference, and a second training
  expect(kinds.filter((kind) => kind === "evaluate").length).toBeGreaterThanOrEqual(4); // score and gate, before and after
  const { judges } = await maintainer.judges();
  expect(judges).toMatchObject([{ judge, name: "cellar", dismissed: null }]);
});

/** The same file with every delta turned round. */
const turned: Answer = (job, honest) => {
  const size = 172; // parameters of the tiny model
  const judgement = decodeJudgement(honest, { id: job.id, work: job.work, size });
  if (judgement.kind !== "train") return honest;
  const deltas = judgement.deltas.map((delta) => delta.map((value) => -value));
  return encodeJudgement(job.id, { ...judgement, deltas }, size);
};

test("J3: a lease is renewed in the middle of a training, and Ctrl-C ends it there", async () => {
  relay = await startTestRelay({ source: tinyModel(recipe), seed: "long", lots: 255 });
  const keys = await generateKeyPair(true);
  const judge = await publicKeyHex(keys);
  await (await maintainerOf(relay)).nameJudge({ judge, name: "cellar", reason: REASON });
  await askOnce(keys); // it is there before there is work
  let renewed = 0;
  const client: RelayClient = {
    ...relay.client,
    async job(request, ...how) {
      const answered = await relay.client.job(request, ...how);
      if (request.holds !== undefined) renewed++;
      return { ...answered, retryAfterSeconds: 0.05 }; // instead of 20
    },
  };
  const stopping = new AbortController();
  const runner = createJobRunner(client);
  const doJob = (job: JudgingJob, { breathe, ...options }: JobOptions) => {
    const breatheTwice = async () => {
      for (const before = renewed; renewed < before + 2; ) await breathe();
      stopping.abort(new Error("Ctrl-C"));
    };
    return runner(job, { ...options, breathe: breatheTwice });
  };
  const merging = mergeOne();
  const working = async () => {
    for (;;) {
      await judgeOnce(client, keys, doJob, stopping.signal).catch((error: unknown) => {
        if (stopping.signal.aborted) throw error; // else it asked too often
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await expect(working()).rejects.toThrow("Ctrl-C");
  relay.advance(61_000); // the lease lapses, and the relay does it
  expect(await merging).toBe("merged");
});

test("J5: a judge that lies refuses nobody, is found out by the relay's own training, and dismissed", async () => {
  relay = await startTestRelay({ source: tinyModel(recipe), seed: "liar", lots: 0 });
  const { judge, maintainer, stop } = await startJudge(turned);
  expect(await mergeOne()).toBe("merged");
  await eventually(async () => {
    const { judges } = await maintainer.judges();
    expect(judges[0]?.dismissed?.reason).toMatch(/another delta/);
  });
  const { entries } = await maintainer.audit();
  const found = entries.find(({ action }) => action === "judge-dismissed");
  expect(found).toMatchObject({ maintainer: "the relay", subject: judge });
  await stop();
});

/** The same file with losses of a model that has unlearnt everything. */
const darkened: Answer = (job, honest) => {
  const { id, work } = job;
  if (work.kind !== "evaluate" || work.step === null) return honest;
  const judgement = decodeJudgement(honest, { id, work, size: 172 });
  if (judgement.kind !== "evaluate") return honest;
  const losses = judgement.losses.map((loss) => loss + 9);
  return encodeJudgement(id, { ...judgement, losses }, 172);
};

test("J5: a judge that lies about losses is found out by its first answer, refuses nobody, and is dismissed", async () => {
  relay = await startTestRelay({ source: tinyModel(recipe), seed: "dark", lots: 255 });
  const { maintainer, stop } = await startJudge(darkened);
  expect(await mergeOne()).toBe("merged");
  const { judges } = await maintainer.judges();
  expect(judges[0]?.dismissed?.reason).toMatch(/evaluated otherwise/);
  await stop();
});

/** The same file with a little credit for each wrong answer: too little to be found in a few of them. */
const flattering: Answer = (job, honest) => {
  const { id, work } = job;
  if (work.kind !== "evaluate") return honest;
  const judgement = decodeJudgement(honest, { id, work, size: 172 });
  if (judgement.kind !== "evaluate") return honest;
  const correct = judgement.correct.map((share) => Math.max(share, 0.03125));
  return encodeJudgement(id, { ...judgement, correct }, 172);
};

test("J5: what a version's record says of it, the relay found out itself", async () => {
  relay = await startTestRelay({ source: tinyModel(recipe), seed: "flattery", lots: 255 });
  const { kinds, stop, maintainer } = await startJudge(flattering);
  expect(await mergeOne()).toBe("merged");
  await stop();
  expect(kinds).toContain("evaluate");
  const { judges } = await maintainer.judges();
  expect(judges).toMatchObject([{ dismissed: null }]); // it was not found out
  const { report } = (await relay.client.version("tiny", 1)).record.evaluation;
  expect((report.accuracy * report.examples) % 1).toBeCloseTo(0, 9); // whole answers
  expect(report.accuracy).toBeLessThan(1); // there were wrong ones to flatter
});

/** The same file with one loss that is no number. */
const numberless: Answer = (job, honest) => {
  const { id, work } = job;
  if (work.kind !== "evaluate") return honest;
  const judgement = decodeJudgement(honest, { id, work, size: 172 });
  if (judgement.kind !== "evaluate") return honest;
  const bytes = encodeJudgement(id, judgement, 172);
  const view = new DataView(bytes.buffer);
  view.setFloat32(bytes.length - 4, Number.NaN, true); // the losses come last
  return bytes;
};

test("J4: losses that are no numbers are refused, and the relay does it itself in the end", async () => {
  relay = await startTestRelay({ source: tinyModel(recipe), seed: "nan", lots: 255 });
  const { stop, refusals, maintainer } = await startJudge(numberless);
  const merging = mergeOne();
  const steps = setInterval(() => relay.advance(5000), 100); // leases lapse by the relay's clock
  try {
    expect(await merging).toBe("merged");
  } finally {
    clearInterval(steps);
    await stop();
  }
  expect(refusals).toContain("malformed");
  const { judges } = await maintainer.judges();
  expect(judges).toMatchObject([{ dismissed: null }]); // it was not taken as an answer that differs
});

test("J7: a job's files are for the judge that holds it alone", async () => {
  relay = await startTestRelay({ source: tinyModel(recipe), seed: "sealed", lots: 255 });
  const keys = await generateKeyPair(true);
  const judge = await publicKeyHex(keys);
  const other = await generateKeyPair(true);
  const maintainer = await maintainerOf(relay);
  for (const named of [judge, await publicKeyHex(other)]) {
    await maintainer.nameJudge({ judge: named, name: "cellar", reason: REASON });
  }
  await askOnce(keys); // it is there before there is work
  let seen = 0;
  const refusals: unknown[] = [];
  const runner = createJobRunner(relay.client);
  const doJob = async (job: JudgingJob, options: JobOptions) => {
    const { work } = job;
    if (work.kind === "evaluate") {
      seen++;
      const request = { judge: await publicKeyHex(other), issuedAt: relay.now() };
      const { sha256 } = work.examples;
      const asked = relay.client.jobInput(job.id, sha256, request, other.privateKey);
      refusals.push(await asked.catch(({ code }) => code));
      const unknown = relay.client.jobInput(
        job.id,
        "00".repeat(32),
        { judge, issuedAt: relay.now() },
        keys.privateKey,
      );
      refusals.push(await unknown.catch(({ code }) => code));
    }
    return runner(job, options);
  };
  const merging = mergeOne();
  while (seen === 0) {
    await judgeOnce(relay.client, keys, doJob, new AbortController().signal);
  }
  const working = new AbortController();
  const rest = (async () => {
    while (!working.signal.aborted) {
      await judgeOnce(relay.client, keys, runner, working.signal).catch(() => {});
    }
  })();
  expect(await merging).toBe("merged");
  working.abort();
  await rest;
  expect(refusals.slice(0, 2)).toEqual(["job-unknown", "blob-unknown"]);
});

test("J5: work is not refused by a judge's word alone, also where no lot falls on its answers", async () => {
  relay = await startTestRelay({ source: tinyModel(recipe), seed: "unlucky", lots: 255 });
  const { stop } = await startJudge(turned);
  expect(await mergeOne()).toBe("merged");
  await stop();
});

test("J4: an answer that is no answer is refused, and the job goes on", async () => {
  relay = await startTestRelay({ source: tinyModel(recipe), seed: "noise", lots: 255 });
  const { stop } = await startJudge((_, honest) => honest.subarray(0, honest.length - 4));
  const merging = mergeOne();
  const steps = setInterval(() => relay.advance(5000), 100); // leases lapse by the relay's clock
  expect(await merging).toBe("merged");
  clearInterval(steps);
  await stop();
});

test("J6: a dismissed judge is given nothing more, and what is done twice is refused", async () => {
  relay = await startTestRelay({ source: tinyModel(recipe), seed: "dismissed" });
  const keys = await generateKeyPair(true);
  const judge = await publicKeyHex(keys);
  const maintainer = await maintainerOf(relay);
  const dismissal = { judge, reason: "It was sold." };
  await expect(maintainer.dismissJudge(dismissal)).rejects.toMatchObject({ code: "judge-unknown" });
  await maintainer.nameJudge({ judge, name: "attic", reason: REASON });
  expect((await askOnce(keys)).job).toBeNull();
  await maintainer.dismissJudge(dismissal);
  await expect(askOnce(keys)).rejects.toMatchObject({ code: "judge-unknown" });
  const late = relay.client.putJudgement("0".repeat(32), new Uint8Array(8), keys.privateKey);
  await expect(late).rejects.toMatchObject({ code: "job-unknown" });
});
