/**
 * DESIGN §3 in one process: two volunteers, the real worker, engine and relay, `digits`, no network.
 * Afterwards a stranger who trusts nobody recomputes the new version from public bytes alone.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { replayVersion } from "../core/history/replay.ts";
import { type VerifiedVersion, verifyVersion } from "../core/history/version.ts";
import { decodePatch } from "../core/patch/patch.ts";
import type { RelayClient } from "../core/protocol/client.ts";
import { applyDeltaStep, decodeDeltaStep } from "../core/tensors/delta-step.ts";
import type { Layout } from "../core/tensors/layout.ts";
import {
  chunksOfManifest,
  layoutOfManifest,
  nameCheckpoint,
  readKeyframe,
} from "../core/tensors/manifest.ts";
import { digits } from "../models/digits/data.ts";
import { volunteerOnce } from "./fixtures/terminal-volunteer.ts";
import { startTestRelay, type TestRelay } from "./fixtures/test-relay.ts";

const VOLUNTEERS = 2;
let stage: TestRelay;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-walk-"));
  const { merge } = digits.recipe;
  const recipe = { ...digits.recipe, merge: { ...merge, cohortSize: VOLUNTEERS } };
  stage = await startTestRelay({ source: { ...digits, recipe } });
}, 120_000);
afterAll(async () => {
  await stage.remove();
  await rm(folder, { recursive: true });
});

test("walk: two strangers' patches become a better version that anyone can recompute", async () => {
  const { client } = stage;
  const base = (await client.model("digits")).head;

  const ids: string[] = [];
  for (const name of ["ada", "bob"]) {
    ids.push(await volunteerOnce(stage, "digits", join(folder, name)));
  }
  const lives = await Promise.all(ids.map((id) => stage.decided(id)));
  expect(lives.map(({ state, version }) => [state, version])).toEqual([
    ["merged", 1],
    ["merged", 1],
  ]);
  const card = await client.model("digits");
  expect(card.head.report.accuracy).toBeGreaterThan(base.report.accuracy);
  expect(card.contributors).toBe(VOLUNTEERS);
  const { entries } = await client.leaderboard("digits", "all");
  expect(entries.map(({ contributor }) => contributor).sort()).toEqual(
    lives.map(({ contributor }) => contributor).sort(),
  );

  await recompute(client);
}, 240_000);

/** Everything that DESIGN §4 says anyone can recompute: hashes, signatures, chain, merge, checkpoint. */
async function recompute(client: RelayClient): Promise<void> {
  const { relayKey } = await client.health();
  const zero = await verified(client, 0, null, relayKey);
  const one = await verified(client, 1, zero, relayKey);
  const { layout, parameters } = await baseCheckpoint(client);
  expect(zero.record.mask.kind).toBe("own"); // so each patch says where it is
  const patches = new Map(
    await Promise.all(
      one.record.merge!.inputs.map(async ({ contribution }) => {
        const patch = decodePatch(await client.blob(contribution), layout, null);
        return [contribution, { patch, positions: patch.positions! }] as const;
      }),
    ),
  );
  const merged = replayVersion(layout, parameters, one.record, patches);
  const head = applyDeltaStep(parameters, merged);
  expect((await nameCheckpoint(layout, head)).id).toBe(one.record.checkpoint);

  const { steps } = await client.checkpoint("digits", 1, { from: 0 });
  const published = decodeDeltaStep(await client.blob(steps[0]!.sha256), parameters);
  expect(published.positions).toEqual(merged.positions);
  expect(published.values).toEqual(merged.values);
}

async function verified(
  client: RelayClient,
  number: number,
  parent: VerifiedVersion | null,
  relayKey: string,
): Promise<VerifiedVersion> {
  const verdict = await verifyVersion(
    await client.version("digits", number),
    parent,
    relayKey,
    new Map(),
  );
  if (!verdict.ok) throw new Error(verdict.message);
  return verdict.version;
}

async function baseCheckpoint(
  client: RelayClient,
): Promise<{ layout: Layout; parameters: Float32Array }> {
  const { keyframe } = await client.checkpoint("digits", 0);
  const { manifest } = keyframe!;
  const chunks = chunksOfManifest(manifest).map(({ sha256 }) => client.blob(sha256));
  const parameters = await readKeyframe(manifest, await Promise.all(chunks));
  return { layout: layoutOfManifest(manifest), parameters };
}
