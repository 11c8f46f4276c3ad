/** A relay that is killed after any one durable step of the walk goes on from there, and what waits stays private. */
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { chunksOfShards, planData } from "../../core/models/addition-files.ts";
import type { Contribution } from "../../core/protocol/schemas/contribution.ts";
import { encodeExamples } from "../../core/training/examples.ts";
import { additionEnded, sendMissing } from "../fixtures/additions.ts";
import { eventually } from "../fixtures/eventually.ts";
import {
  type KillableRelay,
  kill,
  killAll,
  spawnRelay,
  startKillable,
} from "../fixtures/killable-relay.ts";
import { plainScore } from "../fixtures/plain-score.ts";
import { tinyPatterns, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 300_000 }); // a process a point
let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "commonweight-kill-"));
});
afterEach(async () => {
  await killAll();
  await rm(dataDir, { recursive: true, force: true });
});

type Client = Awaited<ReturnType<typeof startKillable>>["client"];
const changes = {
  merge: { ...tinyRecipe.merge, cohortSize: 1, stalenessLimit: 100 },
  gate: { ...tinyRecipe.gate, marginNats: 2 },
};
const isPublic = (id: string) => existsSync(join(dataDir, "blobs", id.slice(0, 2), id));

/** The relay's answer, or null from one that was killed. */
const unlessKilled = <T>(answer: Promise<T>) => answer.catch(() => null);

/** Whether it came late and gained nothing (G25): decided, and nothing is lost. */
const isVain = (life: Contribution | null) => life?.reason?.code === "no-gain";

/** Hand in a piece of work and wait for its merge, then for its revert; the contributions that the relay acknowledged. */
async function walk(client: Client, revert: boolean): Promise<string[]> {
  const volunteer = await createVolunteer(client, tinyRecipe);
  const parcel = await unlessKilled(contribute(volunteer, Date.now()));
  if (parcel === null) return [];
  const { id, bytes, signature } = parcel;
  if ((await unlessKilled(client.putContribution(id, bytes, signature))) === null) return [];
  const life = await decided(client, id);
  if (isVain(life)) return [id, ...(await walk(client, revert))]; // another was merged meanwhile: the next one is on it
  if (life?.state !== "merged" || !revert) return [id];
  const token = await readFile(join(dataDir, "maintainer-token"), "utf8");
  const maintainer = client.maintainer(token);
  const request = { model: "tiny", contribution: id, reason: "a test", insist: true };
  let status = await unlessKilled(maintainer.requestRevert(request));
  while (status?.state === "waiting") {
    await pause(50);
    status = await unlessKilled(maintainer.revert(id));
  }
  return [id];
}

async function decided(client: Client, id: string): Promise<Contribution | null> {
  for (;;) {
    const life = await unlessKilled(client.contribution(id));
    if (life === null || ["merged", "refused", "reverted"].includes(life.state)) return life;
    await pause(50);
  }
}

/** Kill a relay after each of `points` in turn, in the midst of the walk, and expect the next one to go on. */
async function killAtEach(points: readonly string[], recipe: typeof changes, revert: boolean) {
  const acknowledged: string[] = [];
  await kill((await startKillable(dataDir, { changes: recipe })).child);
  for (const point of points) {
    const started = await unlessKilled(
      startKillable(dataDir, { changes: recipe, killAfter: point }),
    );
    if (started !== null) {
      const { child, client } = started;
      acknowledged.push(...(await walk(client, revert)));
      await eventually(() => expect([point, child.signalCode]).toEqual([point, "SIGKILL"]));
    }
  }
  const { client } = await startKillable(dataDir, { changes: recipe });
  const { merged, waiting } = await inputsOf(client);
  expect(new Set(merged).size).toBe(merged.length);
  for (const id of merged) expect([id, isPublic(id)]).toEqual([id, true]);
  for (const id of acknowledged) {
    const life = await decided(client, id);
    if (!isVain(life)) expect(["merged", "reverted"]).toContain(life?.state);
  }
  expect(waiting).toBe(0);
}

/** Every merge input of the history, once nothing waits any more. */
async function inputsOf(client: Client): Promise<{ merged: string[]; waiting: number }> {
  let waiting = 1;
  while (waiting > 0) {
    const [health] = (await client.health()).models;
    waiting = Object.values(health!.waiting).reduce((sum, count) => sum + count, 0);
    if (waiting > 0) await pause(100);
  }
  const { head } = await client.model("tiny");
  const merged: string[] = [];
  for (let number = 1; number <= head.number; number++) {
    const { record } = await client.version("tiny", number);
    merged.push(...(record.merge?.inputs ?? []).map(({ contribution }) => contribution));
  }
  return { merged, waiting };
}

test("a relay that is killed after any durable step of the walk, from the ticket to the revert, goes on from there", async () => {
  await killAtEach(
    [
      ...["history.holdLeases#1", "tickets.issueTicket#1", "contributions.enter#1"],
      ...["contributions.passScreen#1", "contributions.passScore#1", "contributions.queue#1"],
      ...["history.recordGateTests#1", "blobs.put#1", "blobs.put#2", "history.publish#1"],
      ...["blobs.put#3", "contributions.notePromoted#1", "status.appendEvents#1"],
      ...["history.requestRevert#1", "history.publishRevert#1"],
    ],
    changes,
    true,
  );
});

test("the same around a spot check", async () => {
  const recipe = { ...changes, score: { ...plainScore, spotCheckShare: 1 } };
  await killAtEach(
    ["contributions.drawSpotCheck#1", "contributions.passSpotCheck#1"],
    recipe,
    false,
  );
});

test("an import that is killed after any of its durable steps starts anew", async () => {
  const points = ["status.putSetting#1", "blobs.put#1", "heldOut.put#1", "heldOut.put#3"];
  for (const killAfter of [
    ...points,
    "blobs.put#8",
    "history.importModel#1",
    "people.putMaintainer#1",
  ]) {
    const [code, signal] = await once(spawnRelay(dataDir, { killAfter }), "exit");
    expect([killAfter, code, signal]).toEqual([killAfter, null, "SIGKILL"]);
  }
  const { client } = await startKillable(dataDir);
  const { shards } = await client.shards("tiny");
  for (const { sha256, sizeBytes } of shards) {
    expect((await client.blob(sha256)).length).toBe(sizeBytes);
  }
  expect((await client.model("tiny")).head.number).toBe(0);
});

test("R10: data over which a relay was killed are public only where they were entered", async () => {
  const shards = ["a", "b"].map((title) => {
    const examples = tinyPatterns(title, 20);
    return { title, examples: examples.count, bytes: encodeExamples(examples) };
  });
  const plan = await planData({ model: "tiny", source: "more.csv", licence: "CC0-1.0" }, shards);
  const [first, second] = plan.shards.map(({ sha256 }) => sha256) as [string, string];
  const send = async ({ client }: KillableRelay) => {
    const maintainer = client.maintainer(await readFile(join(dataDir, "maintainer-token"), "utf8"));
    const status = await sendMissing(maintainer, { plan, reason: "more" }, chunksOfShards(shards));
    return additionEnded(maintainer, status);
  };
  const killedAfter = async (killAfter: string) => {
    const relay = await startKillable(dataDir, { killAfter });
    await unlessKilled(send(relay));
    await eventually(() =>
      expect([killAfter, relay.child.signalCode]).toEqual([killAfter, "SIGKILL"]),
    );
  };
  await kill((await startKillable(dataDir)).child);
  await killedAfter("blobs.put#2");
  expect([first, second].map(isPublic)).toEqual([true, true]);
  await kill((await startedAndSwept()).child);
  expect([first, second].map(isPublic)).toEqual([false, false]);

  await killedAfter("history.addData#1");
  const again = await startedAndSwept();
  expect([first, second].map(isPublic)).toEqual([true, true]);
  expect(await send(again)).toMatchObject({ state: "added", outcome: { shards: 2 } });
});

/** A relay that has taken back what the one before had made public and not entered. */
async function startedAndSwept(): Promise<KillableRelay> {
  const relay = await startKillable(dataDir);
  await eventually(async () => expect(await readdir(join(dataDir, "unentered"))).toEqual([]));
  return relay;
}

test("H6: between a publication's blobs and its commit nobody can read the patch, nor after a kill there", async () => {
  const { child, client } = await startKillable(dataDir, { changes, killAfter: "blobs.put#10" });
  const volunteer = await createVolunteer(client, tinyRecipe);
  const { id, bytes, signature } = await contribute(volunteer, Date.now());
  await client.putContribution(id, bytes, signature);
  if (child.signalCode === null) await once(child, "exit"); // manifest and step are there, the version is not
  expect(isPublic(id)).toBe(false);
});
