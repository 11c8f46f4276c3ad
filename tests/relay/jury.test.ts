import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openFileStore } from "../../cli/file-store.ts";
import { publicKeyHex } from "../../core/crypto/signature.ts";
import { relaySource } from "../../core/history/history-source.ts";
import { verifyHistory } from "../../core/history/verify-history.ts";
import { createRelayClient, type RelayClient } from "../../core/protocol/client.ts";
import { evaluate } from "../../core/training/evaluate.ts";
import { decodeAll } from "../../core/training/examples.ts";
import { openBackend } from "../../kernels/backend.ts";
import type { Phase } from "../../worker/api.ts";
import { doJuryDuty } from "../../worker/run/jury-duty.ts";
import { createPace } from "../../worker/run/pace.ts";
import { openSession } from "../../worker/run/session.ts";
import { createSnapshotFeed } from "../../worker/run/snapshot-feed.ts";
import { createSwarm } from "../../worker/swarm/swarm.ts";
import { eventually } from "../fixtures/eventually.ts";
import { maintainerOf } from "../fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";
import { realEngine } from "../fixtures/volunteer-stage.ts";

vi.setConfig({ testTimeout: 120_000 }); // each test starts a relay with its threads

/** 300 gate examples: sixteen packets of 16, of which a version that changes little needs one, and a reserve of 44. */
const recipe = {
  merge: { ...tinyRecipe.merge, cohortSize: 1 },
  score: { ...tinyRecipe.score, references: 0, sampleShare: 0, spotCheckShare: 0 },
  gate: { ...tinyRecipe.gate, marginNats: 2, maxExamples: 44, packetExamples: 16, jury: 3 },
};
const EXAMPLES = 16;
const PIECE_MS = 250; // volunteers ask between two pieces; a key that asks all the time is turned away
const TRUSTED = 10; // merges in a row
let relay: TestRelay;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-jury-"));
});
afterEach(async () => {
  await relay.remove();
  await rm(folder, { recursive: true, force: true });
});

/** `lots` 255: nothing is planted. */
async function open(seed: string, lots: 0 | 255 = 255): Promise<void> {
  const config = { trustProxy: 1 };
  relay = await startTestRelay({ source: tinyModel(recipe), seed, lots, config });
}

type Put = RelayClient["putJudgement"];

/** A volunteer's own worker at jury duty, on a network of its own; `put` is how it hands in what it judged. */
async function recruit(network: string, put: (honest: Put) => Put = (honest) => honest) {
  const fetchFrom = (url: string, init: RequestInit) =>
    fetch(url, { ...init, headers: { ...init.headers, "x-forwarded-for": network } });
  const honest = createRelayClient({ baseUrl: relay.relay.url, fetch: fetchFrom as typeof fetch });
  const client = { ...honest, putJudgement: put(honest.putJudgement) };
  const store = await openFileStore({ path: join(folder, network), now: relay.now });
  const platform = {
    now: relay.now,
    steadyMs: relay.now,
    random: () => 0.5,
    sleep: async () => {},
  };
  const phases: Phase[] = [];
  const feed = createSnapshotFeed(platform, () => {});
  const told = { ...feed, enter: (phase: Phase) => void phases.push(phase) };
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = {
    store,
    client,
    platform,
    signal,
    feed: told,
    pace: createPace(platform),
    swarm: createSwarm({ store, client, platform, onChange: () => {}, isTraining: () => false }),
    setAside: new Set<string>(),
    software: "test/1",
  };
  const session = await openSession(run, realEngine, { model: "tiny", prefer: "cpu" });
  const contributor = await publicKeyHex(session.keys);
  return { contributor, phases, session, stopping };
}
type Recruit = Awaited<ReturnType<typeof recruit>>;

/** As after `TRUSTED` merges, without the hour that they take. */
function trust(volunteers: readonly Pick<Recruit, "contributor">[], merges = TRUSTED): void {
  const database = new Database(join(relay.dataDir, "ledger.db"));
  for (const { contributor } of volunteers) {
    for (let i = 0; i < merges; i++) {
      const id = `${i}${contributor.slice(1)}`;
      database
        .prepare(
          `insert into tickets (id, model, contributor, base, ticket, issued_at, expires_at, used)
           values (?, 'tiny', ?, 0, '{}', 1, 2, 1)`,
        )
        .run(id, contributor);
      database
        .prepare(
          `insert into contributions (id, model, contributor, ticket, base, state, shards, examples, size_bytes, signature,
             values_hash, norm, on_mask, postponed, received_at, updated_at, version, multiplier, credit)
           values (?, 'tiny', ?, ?, 0, 'merged', '[0]', 1, 1, '', ?, 1e9, 1, 0, 1, 2, 0, 4096, 1)`,
        )
        .run(id, contributor, id, id);
    }
  }
  database.close();
}

/** Send one piece of somebody who is no juror. */
async function send() {
  const author = await createVolunteer(relay.client, { ...tinyRecipe, ...recipe });
  const { id, bytes, signature } = await contribute(author, relay.now());
  await relay.client.putContribution(id, bytes, signature);
  return { id, author: author.contributor };
}

/** The record of the version that such a piece became. */
async function mergeOne() {
  const life = await relay.decided((await send()).id);
  expect(life).toMatchObject({ state: "merged" });
  return (await relay.client.version("tiny", life.version!)).record;
}

/** Merge a piece while the volunteers come and go, each as often as it ends a piece of its own. */
async function mergeBeside(jurors: readonly Recruit[]) {
  for (const { session } of jurors) await doJuryDuty(session); // they are known before the lot
  return beside(jurors, mergeOne());
}

/** What comes of `waiting`, while the volunteers ask again and again; between two rounds `stepMs` pass by the relay's clock. */
async function beside<T>(jurors: readonly Recruit[], waiting: Promise<T>, stepMs = 0): Promise<T> {
  let isDone = false;
  const done = () => {
    isDone = true;
  };
  waiting.then(done, done);
  while (!isDone) {
    for (const { session } of jurors) await doJuryDuty(session);
    relay.advance(stepMs);
    await setTimeout(PIECE_MS);
  }
  return waiting;
}

const judgedBy = async ({ contributor }: Recruit) =>
  (await relay.client.contributor(contributor, "tiny")).judgedExamples;

test("J8 to J11: three trusted volunteers judge a stranger's work, and are credited", async () => {
  await open("jury");
  const jurors = await Promise.all(["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((at) => recruit(at)));
  trust(jurors);
  const { evaluation } = await mergeBeside(jurors);
  expect(evaluation.gate!.tests![0]).toMatchObject({ examplesWere: "fresh", decision: "pass" });
  for (const juror of jurors) {
    expect(await judgedBy(juror)).toBe(2 * EXAMPLES); // the candidate and its parent
    expect(juror.phases.filter((phase) => phase === "judging")).toHaveLength(2);
  }
});

test("J8: newcomers, and volunteers who share a network, are no jury: the relay judges by itself", async () => {
  await open("few");
  const jurors = await Promise.all(["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((at) => recruit(at)));
  trust(jurors, TRUSTED - 1);
  await mergeBeside(jurors);
  const together = await Promise.all(["a", "b", "c"].map((name) => recruit(`::1%${name}`)));
  trust(together);
  await mergeBeside(together);
  for (const juror of [...jurors, ...together]) expect(juror.phases).not.toContain("judging");
});

/** Losses of a model that has unlearnt everything, in the last F32 values of the file. */
const darkened: (honest: Put) => Put = (honest) => (id, bytes, signer, options) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = bytes.length - 4 * EXAMPLES; at < bytes.length; at += 4)
    view.setFloat32(at, 9, true);
  return honest(id, bytes, signer, options);
};

test("J10, J11: a juror who lies is found out by the others, changes nothing, and is trusted no more", async () => {
  await open("liar");
  const honest = await Promise.all(["10.0.0.1", "10.0.0.2"].map((at) => recruit(at)));
  const liar = await recruit("10.0.0.3", darkened);
  trust([...honest, liar]);
  await mergeBeside([...honest, liar]);
  expect(await judgedBy(liar)).toBe(0);
  for (const juror of honest) expect(await judgedBy(juror)).toBeGreaterThan(0);
  const { entries } = await (await maintainerOf(relay)).audit();
  expect(entries.find(({ action }) => action === "juror-lied")).toMatchObject({
    maintainer: "the relay",
    subject: liar.contributor,
  });
  const before = liar.phases.length;
  await mergeBeside([...honest, liar]); // two are no jury
  expect(liar.phases).toHaveLength(before);
});

test("J10: three jurors who tell the same lie are found out by the relay's own look at a few examples", async () => {
  await open("plot");
  const plotters = await Promise.all(
    ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((at) => recruit(at, darkened)),
  );
  trust(plotters);
  await mergeBeside(plotters);
  for (const juror of plotters) expect(await judgedBy(juror)).toBe(0);
});

test("J9: jurors who do not come back are replaced, and in the end the relay judges by itself", async () => {
  await open("gone");
  const volunteers = await Promise.all(
    ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"].map((at) => recruit(at)),
  );
  trust(volunteers);
  for (const { session } of volunteers) await doJuryDuty(session);
  const gone = volunteers.slice(0, 3);
  const there = volunteers.slice(3); // two for three seats
  await beside(there, mergeOne(), 10_000);
  for (const juror of there) expect(await judgedBy(juror)).toBe(2 * EXAMPLES);
  for (const juror of gone) expect(await judgedBy(juror)).toBe(0);
});

test("J9, J12: a candidate that is withdrawn while its jury sits is not published, nobody waits for it, and its packet is spent", async () => {
  await open("withdrawn");
  const maintainer = await maintainerOf(relay);
  let author = "";
  const banning: (honest: Put) => Put =
    (honest) =>
    async (...answer) => {
      const ban = { contributor: author, reason: "It asked us to." };
      await maintainer.ban(ban);
      return honest(...answer);
    };
  const jurors = await Promise.all(
    ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((at) => recruit(at, banning)),
  );
  trust(jurors);
  for (const { session } of jurors) await doJuryDuty(session);
  const sent = await send();
  author = sent.author;
  const life = await beside(jurors, relay.decided(sent.id));
  expect(life).toMatchObject({ state: "refused", reason: { code: "banned" } });
  expect((await relay.client.model("tiny")).head.number).toBe(0);
  await relay.relay.close();
  relay = await startTestRelay({ source: tinyModel(recipe), dataDir: relay.dataDir });
  const { evaluation, packets } = await mergeOne();
  expect(evaluation.gate!.tests![0]).toMatchObject({ examplesWere: "fresh" });
  expect(packets).toEqual({ gate: 2 }); // what the jury has seen in vain, and the next
  await eventually(async () => {
    const [health] = (await relay.client.health()).models; // it may be a second old
    expect(health?.packets).toEqual([{ suite: "gate", opened: 2, packets: 16 }]);
  });
  await openBackend({ prefer: "cpu" });
  const { architecture } = tinyRecipe;
  const report = await verifyHistory(relaySource(relay.client, "tiny"), {
    pin: null,
    full: true,
    evaluate: async (parameters, files) =>
      evaluate({ architecture, parameters, examples: decodeAll(files, architecture, String) }),
  });
  expect(report.gates).toEqual({ fresh: 1, reused: 0 });
});

test("J8, J4: losses that are no numbers, or of another job, are refused; the lease goes on to its end", async () => {
  await open("noise");
  const codes: unknown[] = [];
  const spoiled: (honest: Put) => Put = (honest) => async (id, bytes, signer, options) => {
    const broken = bytes.slice();
    new DataView(broken.buffer).setFloat32(broken.length - 4, Number.NaN, true);
    const short = bytes.subarray(0, bytes.length - 4);
    for (const wrong of [broken, short]) {
      codes.push(await honest(id, wrong, signer, options).catch(({ code }) => code));
    }
    codes.push(await honest("0".repeat(32), bytes, signer, options).catch(({ code }) => code));
    return honest(id, bytes, signer, options);
  };
  const jurors = await Promise.all(
    ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map((at) => recruit(at, spoiled)),
  );
  trust(jurors);
  await mergeBeside(jurors);
  expect(new Set(codes)).toEqual(new Set(["malformed", "job-unknown"]));
  for (const juror of jurors) expect(await judgedBy(juror)).toBeGreaterThan(0);
});
