/** What deploy/compose.yaml describes, by processes: two relays with its settings, PostgreSQL, an S3 service, and nginx with the shipped files. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createRelayClient } from "../../core/protocol/client.ts";
import {
  MAX_JUDGEMENT_BYTES,
  MAX_PLAN_BYTES,
  MAX_PROPOSAL_BYTES,
} from "../../core/protocol/limits.ts";
import { routes } from "../../core/protocol/routes.ts";
import { type Balancer, startBalancer } from "../fixtures/balancer.ts";
import { readComposeFile } from "../fixtures/compose-file.ts";
import { type KillableRelay, kill, killAll, startKillable } from "../fixtures/killable-relay.ts";
import { hasPostgres, startPostgres, type TestPostgres } from "../fixtures/postgres.ts";
import { startS3, type TestS3 } from "../fixtures/s3-server.ts";
import { connectPeer } from "../fixtures/signalling-peer.ts";
import { tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 }); // five processes
if (!hasPostgres) console.warn("PostgreSQL is not installed: nothing of this file is tried.");

describe.runIf(hasPostgres)("the shipped services", () => {
  let database: TestPostgres;
  let s3: TestS3;
  let nginx: Balancer;
  let dataDir: string;
  let relays: KillableRelay[];
  beforeEach(async () => {
    database = await startPostgres();
    s3 = await startS3();
    nginx = await startBalancer({ isSticky: true });
    dataDir = await mkdtemp(join(tmpdir(), "commonweight-deploy-"));
    const { environment } = readComposeFile().services["relay-1"]!;
    const settings = { ...environment, ...s3.environment, STORE: database.url() }; // where these are here
    const changes = { merge: { ...tinyRecipe.merge, cohortSize: 1 } };
    const start = () => startKillable(dataDir, { changes, settings });
    relays = await Promise.all([start(), start()]);
    nginx.point(relays.map(({ url }) => url));
  });
  afterEach(async () => {
    await killAll();
    await nginx.remove();
    await s3.remove();
    await database.remove();
    await rm(dataDir, { recursive: true });
  });

  test("walk: work that goes in through nginx becomes a version, and the next one does so after a relay is killed", async () => {
    const client = createRelayClient({ baseUrl: nginx.url, fetch });
    for (const version of [1, 2]) {
      await vi.waitFor(() => client.health(), 30_000); // nginx knows its relays, and both are there
      const volunteer = await createVolunteer(client, tinyRecipe);
      const { id, bytes, signature } = await contribute(volunteer, Date.now());
      await client.putContribution(id, bytes, signature);
      const isMerged = async () =>
        expect(await client.contribution(id)).toMatchObject({ state: "merged", version });
      await vi.waitFor(isMerged, { timeout: 60_000, interval: 200 });
      expect(await client.blob(id)).toEqual(bytes);
      await kill(relays[0]!.child);
    }
  });

  test("nginx passes on every body that a relay takes, signalling, and events as they come", async () => {
    await vi.waitFor(() => createRelayClient({ baseUrl: nginx.url, fetch }).health(), 30_000);
    const sent = [
      { method: "PUT", path: routes.contribution("0".repeat(64)), sizeBytes: MAX_PROPOSAL_BYTES },
      { method: "PUT", path: routes.job("0".repeat(32)), sizeBytes: MAX_JUDGEMENT_BYTES },
      { method: "POST", path: routes.additions(), sizeBytes: MAX_PLAN_BYTES },
    ];
    for (const { method, path, sizeBytes } of sent) {
      const body = new Uint8Array(sizeBytes);
      const answer = await fetch(nginx.url + path, { method, body });
      const said = await answer.text();
      expect(said, path).toMatch(/^{"error":{"code":(?!"route-unknown")/); // the relay's no, and not nginx's
    }
    const peer = await connectPeer(Number(new URL(nginx.url).port), "ada");
    expect(peer.socket.readyState).toBe(peer.socket.OPEN);
    peer.socket.close();
    const ending = new AbortController();
    const events = await fetch(`${nginx.url}/api/v1/events`, { signal: ending.signal });
    const first = await events.body!.getReader().read();
    expect(first.value!.length).toBeGreaterThan(0);
    ending.abort();
  });
});
