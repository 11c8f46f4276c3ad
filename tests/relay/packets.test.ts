import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { relaySource } from "../../core/history/history-source.ts";
import { verifyHistory } from "../../core/history/verify-history.ts";
import type { VersionRecord } from "../../core/protocol/schemas/version.ts";
import { decodeExamples, joinExamples } from "../../core/training/examples.ts";
import { openBackend } from "../../kernels/backend.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 120_000 }); // each test starts a relay with its threads

/** 300 gate examples: three packets of 50 and a reserve of 150. */
const recipe = {
  merge: { ...tinyRecipe.merge, cohortSize: 1 },
  gate: { ...tinyRecipe.gate, marginNats: 0.5, maxExamples: 150, packetExamples: 50 },
};
let relay: TestRelay;
afterEach(() => relay.remove());

/** Merge one contribution; the version's record. */
async function mergeOne(
  volunteer: Awaited<ReturnType<typeof createVolunteer>>,
): Promise<VersionRecord> {
  const { id, bytes, signature } = await contribute(volunteer, relay.now());
  await relay.client.putContribution(id, bytes, signature);
  const life = await relay.decided(id);
  expect(life).toMatchObject({ state: "merged" });
  return (await relay.client.version("tiny", life.version!)).record;
}

const isPublic = async (hash: string) => (await relay.ask(`/api/v1/blobs/${hash}`)).status === 200;

test("G24: gates open packet after packet, then use the reserve again; anyone recomputes the fresh ones", async () => {
  relay = await startTestRelay({ source: tinyModel(recipe), seed: "packets" });
  const { suites } = (await relay.client.version("tiny", 0)).record;
  const [sealed] = suites!;
  expect(sealed).toMatchObject({ suite: "gate", packetExamples: 50, reserveExamples: 150 });
  expect(sealed!.packets).toHaveLength(3);
  expect(await isPublic(sealed!.packets[0]!)).toBe(false);

  const volunteer = await createVolunteer(relay.client, { ...tinyRecipe, ...recipe });
  let open = 0;
  const uses: string[] = [];
  while (uses.at(-1) !== "reused") {
    const { packets, evaluation } = await mergeOne(volunteer);
    uses.push(evaluation.gate!.tests![0]!.examplesWere!);
    expect(packets!.gate).toBeGreaterThan(open - (open === 3 ? 1 : 0));
    open = packets!.gate;
    const [health] = (await relay.client.health()).models;
    expect(health?.packets.map(({ packets: all }) => all)).toEqual([3]);
    for (const [i, hash] of sealed!.packets.entries()) expect(await isPublic(hash)).toBe(i < open);
  }
  expect(open).toBe(3);
  expect(await isPublic(sealed!.reserve)).toBe(false);
  expect(uses[0]).toBe("fresh");

  await openBackend({ prefer: "cpu" });
  const { evaluate } = await import("../../core/training/evaluate.ts");
  const ran: number[] = [];
  const report = await verifyHistory(relaySource(relay.client, "tiny"), {
    pin: null,
    full: true,
    async evaluate(parameters, packets) {
      ran.push(packets.length);
      const { architecture } = tinyRecipe;
      const examples = packets.map((bytes, i) => decodeExamples(`${i}`, bytes, architecture));
      return evaluate({ architecture, parameters, examples: joinExamples(examples) });
    },
  });
  const fresh = uses.filter((use) => use === "fresh").length;
  expect(report.gates).toEqual({ fresh, reused: uses.length - fresh });
  expect(ran.length).toBeGreaterThanOrEqual(2 * fresh);

  const lying = verifyHistory(relaySource(relay.client, "tiny"), {
    pin: null,
    async evaluate(parameters, packets) {
      const count = 50 * packets.length;
      const losses = new Float32Array(count).fill(Math.abs(parameters[0]!));
      return { losses, correct: losses, answers: new Uint8Array(count) };
    },
  });
  await expect(lying).rejects.toMatchObject({ fault: "gate", version: 1 });
});

test("G24: what a kill has kept from being opened is opened at the next start", async () => {
  relay = await startTestRelay({ source: tinyModel(recipe), seed: "kill" });
  const volunteer = await createVolunteer(relay.client, { ...tinyRecipe, ...recipe });
  await mergeOne(volunteer);
  const { suites } = (await relay.client.version("tiny", 0)).record;
  const hash = suites![0]!.packets[0]!;
  await relay.relay.close();
  const file = join(relay.dataDir, "blobs", hash.slice(0, 2), hash);
  await rm(file);
  relay = await startTestRelay({ source: tinyModel(recipe), dataDir: relay.dataDir });
  expect(await isPublic(hash)).toBe(true); // from the commit on, whether its file is there or not
  await eventually(() => access(file));
});
