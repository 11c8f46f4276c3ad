import { mkdtemp, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { layoutOf } from "../../core/models/registry.ts";
import { createRandom } from "../../core/random.ts";
import { openSqliteLedger } from "../../relay-server/store/sqlite/open-ledger.ts";
import { expectReplays, readChain } from "../fixtures/chain.ts";
import { eventually } from "../fixtures/eventually.ts";
import { kill, killAll, startKillable } from "../fixtures/killable-relay.ts";
import { maintainerOf, reverted } from "../fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer, type Volunteer, type Work } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 180_000 }); // each test starts a relay with its threads
const SEED = Number(process.env.SEED ?? 1);
const KILLS = 3;
const layout = layoutOf(tinyRecipe.architecture);
const lenient = { ...tinyRecipe.gate, marginNats: 2 }; // taking good work out must pass here
const merge = { ...tinyRecipe.merge, cohortSize: 1 };

let relay: TestRelay | null = null;
afterEach(async () => {
  await relay?.remove();
  relay = null;
  await killAll();
});

/** Work, send, and wait until it is merged; returns its id. */
async function merged(stage: TestRelay, volunteer: Volunteer): Promise<string> {
  const { id, bytes, signature } = await contribute(volunteer, stage.now());
  await stage.client.putContribution(id, bytes, signature);
  expect((await stage.decided(id)).state).toBe("merged");
  return id;
}

test("V7: an early contribution is reverted after several epochs, then another: each is the replay that strikes it", async () => {
  relay = await startTestRelay({ source: tinyModel({ merge, gate: lenient }) });
  const { client } = relay;
  const volunteer = await createVolunteer(client, tinyRecipe);
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.push(await merged(relay, volunteer));
  const [first = "", , third = ""] = ids;
  const before = (await client.leaderboard("tiny", "all")).entries[0]!.credit;

  expect(await reverted(relay, first)).toMatchObject({ state: "published", version: 6 });
  const life = await client.contribution(first);
  expect(life).toMatchObject({ state: "reverted", version: 1, credit: 0 });
  expect(life.reason).toEqual({ code: "reverted", message: "It was made from test data." });
  const board = (await client.leaderboard("tiny", "all")).entries[0]!;
  expect(board.merged).toBe(4);
  expect(board.credit).toBeLessThan(before);

  await merged(relay, volunteer);
  relay = await relay.restart();
  expect(await reverted(relay, third)).toMatchObject({ state: "published", version: 8 });
  await merged(relay, await createVolunteer(relay.client, tinyRecipe));

  const chain = await readChain(relay.client, "tiny");
  const changes = chain.records.map(({ merge, revert }) => revert?.contributions ?? merge?.rule);
  expect(changes.slice(6)).toEqual([[first], "mean", [third], "mean"]);
  await expectReplays(relay.client, "tiny", layout);

  const { entries } = await (await maintainerOf(relay)).audit();
  expect(entries.map(({ action, subject }) => [action, subject])).toEqual([
    ["revert-published", third],
    ["revert", third],
    ["revert-published", first],
    ["revert", first],
  ]);
});

test("a revert while a cohort fills: what waits is merged on top of it", async () => {
  const cohort = { ...tinyRecipe.merge, cohortSize: 2, cohortSeconds: 1_000_000 };
  relay = await startTestRelay({ source: tinyModel({ merge: cohort, gate: lenient }) });
  const { client, now } = relay;
  const [ada, ben] = await Promise.all([1, 2].map(() => createVolunteer(client, tinyRecipe)));
  const send = async (volunteer: Volunteer) => {
    const parcel = await contribute(volunteer, now());
    await client.putContribution(parcel.id, parcel.bytes, parcel.signature);
    return parcel.id;
  };
  const first = await send(ada!);
  await relay.decided(await send(ben!));
  const waiting = await send(ada!);
  expect(await reverted(relay, first)).toMatchObject({ state: "published", version: 2 });
  // judged meanwhile, and alone in its cohort
  const stateOf = async () => (await client.contribution(waiting)).state;
  await eventually(async () => expect(await stateOf()).toBe("queued"));
  await send(ben!); // on what the revert left: late work alone would have to gain (G25)
  expect(await relay.decided(waiting)).toMatchObject({ state: "merged", version: 3 });
  await expectReplays(client, "tiny", layout);
});

test("a paused model's work can be reverted", async () => {
  relay = await startTestRelay({ source: tinyModel({ merge, gate: lenient }) });
  const id = await merged(relay, await createVolunteer(relay.client, tinyRecipe));
  await (await maintainerOf(relay)).pause({ model: "tiny", reason: "a test" });
  expect(await reverted(relay, id)).toMatchObject({ state: "published", version: 2 });
  const { records } = await readChain(relay.client, "tiny");
  expect(records[2]?.checkpoint).toBe(records[0]?.checkpoint); // nothing else was merged
});

test("a revert that makes the model worse is refused by the gate, and everybody hears why", async () => {
  const gate = { ...tinyRecipe.gate, marginNats: 0.01 };
  const keen = { ...merge, newcomerWeight: 1 };
  relay = await startTestRelay({ source: tinyModel({ merge: keen, gate }) });
  const id = await merged(relay, await createVolunteer(relay.client, tinyRecipe));
  const status = await reverted(relay, id);
  expect(status).toMatchObject({ state: "refused", version: null });
  expect(status.message).toMatch(
    /^the gate refused: on \d+ held-out examples the model without it/,
  );
  expect(await relay.client.contribution(id)).toMatchObject({ state: "merged", version: 1 });
  expect((await relay.client.model("tiny")).head.number).toBe(1);
  const maintainer = await maintainerOf(relay);
  const [latest] = (await maintainer.audit()).entries;
  expect(latest).toMatchObject({ action: "revert-refused", subject: id, note: status.message });
});

test("V7, G8: a maintainer insists: it is published without a gate, and merging goes on from there", async () => {
  const gate = { ...tinyRecipe.gate, marginNats: 0.01 };
  const keen = { ...merge, newcomerWeight: 1 };
  relay = await startTestRelay({ source: tinyModel({ merge: keen, gate }) });
  const { client } = relay;
  const volunteer = await createVolunteer(client, tinyRecipe);
  const id = await merged(relay, volunteer);
  await (await maintainerOf(relay)).tag({
    ...{ model: "tiny", version: 1, tag: "1.0.0" },
    reason: "a test",
  });
  expect((await reverted(relay, id)).state).toBe("refused");
  const status = await reverted(relay, id, true);
  expect(status).toMatchObject({ state: "published", version: 2 });
  expect(status.message).toMatch(/^the gate refused: /);
  const { record } = await client.version("tiny", 2);
  expect(record).toMatchObject({ revert: { contributions: [id] }, evaluation: { gate: null } });
  const [health] = (await client.health()).models;
  expect(health).toMatchObject({ release: { version: 1 }, standard: 2 });
  const [tested] = health!.gateTests; // the newest first
  expect(tested).toMatchObject({ head: 1, contributions: 0 });
  expect(tested?.decision).not.toBe("pass");

  relay = await relay.restart();
  const again = await createVolunteer(relay.client, tinyRecipe);
  await merged(relay, again); // on top of version 2, which is worse than release 1.0.0
  await merged(relay, again);
  const { gate: report } = (await relay.client.version("tiny", 4)).record.evaluation;
  expect(report?.tests?.map(({ against, version }) => [against, version])).toEqual([
    ["parent", 3],
    ["release", 2],
  ]);
  await expectReplays(relay.client, "tiny", layout);
});

test("what waited in the ledger when the relay ended is carried out at the next start, once", async () => {
  relay = await startTestRelay({ source: tinyModel({ merge, gate: lenient }) });
  const id = await merged(relay, await createVolunteer(relay.client, tinyRecipe));
  await relay.relay.close();
  const { ledger, close } = await openSqliteLedger(join(relay.dataDir, "ledger.db"));
  const request = { model: "tiny", contribution: id, reason: "a test", maintainer: "first", at: 1 };
  expect((await ledger.history.requestRevert({ ...request, insists: false })).kind).toBe("waiting");
  await close();
  relay = await relay.restart();
  const events = (await relay.ask("/api/v1/events?topics=contribution")).body!.getReader();
  while ((await relay.client.contribution(id)).state === "merged") await events.read();
  await events.cancel();
  relay = await relay.restart();
  expect((await relay.client.model("tiny")).head.number).toBe(2);
  await expectReplays(relay.client, "tiny", layout);
});

test("a revert whose history has lost a file is refused in words, and merging goes on", async () => {
  relay = await startTestRelay({ source: tinyModel({ merge, gate: lenient }) });
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  const id = await merged(relay, volunteer);
  await truncate(join(relay.dataDir, "blobs", id.slice(0, 2), id), 10);
  const status = await reverted(relay, id);
  expect(status.state).toBe("refused");
  expect(status.message).toContain(`the patch ${id} is missing or damaged`);
  await merged(relay, volunteer);
});

test("unknown, unmerged and reverted contributions are refused by name; asking twice is once", async () => {
  relay = await startTestRelay({ source: tinyModel({ merge, gate: lenient }) });
  const { client } = relay;
  const maintainer = await maintainerOf(relay);
  const volunteer = await createVolunteer(client, tinyRecipe);
  const ask = (contribution: string, model = "tiny") =>
    maintainer.requestRevert({ model, contribution, reason: "why not" });
  await expect(ask("0".repeat(64))).rejects.toMatchObject({ code: "contribution-unknown" });
  await expect(ask("0".repeat(64), "nowhere")).rejects.toMatchObject({ code: "model-unknown" });
  await expect(maintainer.revert("0".repeat(64))).rejects.toMatchObject({
    code: "contribution-unknown",
  });
  const id = await merged(relay, volunteer);
  const waiting = await contribute(volunteer, relay.now());
  await maintainer.pause({ model: "tiny", reason: "a test" });
  await client.putContribution(waiting.id, waiting.bytes, waiting.signature);
  await expect(ask(waiting.id)).rejects.toMatchObject({ code: "not-merged" });
  const answers = await Promise.all([ask(id), ask(id)]);
  expect(answers[0]).toEqual(answers[1]);
  expect(await reverted(relay, id).catch(({ code }) => code)).toSatisfy(
    (answer) => answer === "already-reverted" || answer.state === "published",
  );
  await expect(ask(id)).rejects.toMatchObject({ code: "already-reverted" });
  expect((await client.model("tiny")).head.number).toBe(2);
});

/** The same work at a 32nd of its size: a gate sees no difference with it or without it. */
function gentle(work: Work): Work {
  const scales = work.patch.scales.map((bits) => (bits > 0x1400 ? bits - 0x1400 : bits)); // exponent − 5
  return { ...work, patch: { ...work.patch, scales } };
}

test(`kill -9 between request and publication: the revert is carried out once (seed ${SEED})`, async () => {
  const random = createRandom(SEED);
  const dataDir = await mkdtemp(join(tmpdir(), "commonweight-revert-"));
  try {
    for (let round = 0; round < KILLS; round++) {
      const { child, client } = await startKillable(dataDir);
      const volunteer = await createVolunteer(client, tinyRecipe);
      const work = gentle(await volunteer.work(await volunteer.ask(Date.now())));
      const { id, bytes, signature } = await volunteer.pack(work);
      await client.putContribution(id, bytes, signature);
      while ((await client.contribution(id)).state !== "merged") await pause(50);
      const token = await readFile(join(dataDir, "maintainer-token"), "utf8");
      const request = { model: "tiny", contribution: id, reason: "a test" };
      await client.maintainer(token).requestRevert(request);
      await pause(random.below(60)); // the moment is what is tested
      await kill(child);

      const again = await startKillable(dataDir);
      let status = await again.client.maintainer(token).revert(id);
      for (; status.state === "waiting"; status = await again.client.maintainer(token).revert(id)) {
        await pause(50);
      }
      expect(status).toMatchObject({ state: "published", version: 2 * round + 2 });
      expect((await again.client.contribution(id)).state).toBe("reverted");
      await expectReplays(again.client, "tiny", layout);
      await kill(again.child);
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});
