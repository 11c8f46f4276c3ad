/** Relays whose files are in a bucket of an S3 server: the whole walk, and a bucket that goes and comes back. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { hasPostgres, startPostgres } from "../fixtures/postgres.ts";
import { startS3, type TestS3 } from "../fixtures/s3-server.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000 }); // each test starts relays with their threads

let s3: TestS3;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.remove());

test("walk: work becomes a version, its bucket goes away, and what came meanwhile is merged once it is back", async () => {
  let relay = await startTestRelay({ config: { content: s3.bucket }, seed: "bucket" });
  const { client, ask } = relay;
  const volunteer = await createVolunteer(client, tinyRecipe);
  const first = await contribute(volunteer, relay.now());
  await client.putContribution(first.id, first.bytes, first.signature);
  expect(await relay.decided(first.id)).toMatchObject({ state: "merged", version: 1 });
  for (const name of ["blobs", "private", "relay-key"]) {
    expect(existsSync(join(relay.dataDir, name))).toBe(false);
  }

  const second = await contribute(volunteer, relay.now());
  await s3.stop();
  await client.putContribution(second.id, second.bytes, second.signature); // acknowledged: the ledger has it
  const away = await ask(`/api/v1/blobs/${"0".repeat(64)}`);
  expect([away.status, away.headers.get("retry-after")]).toEqual([503, "5"]);
  expect(await away.json()).toMatchObject({ error: { code: "unavailable" } });
  await s3.start();
  expect(await relay.decided(second.id)).toMatchObject({ state: "merged", version: 2 });

  relay = await relay.restart();
  expect((await relay.client.model("tiny")).head.number).toBe(2);
  expect(await relay.client.blob(first.id)).toEqual(first.bytes);
  await relay.remove();
});

test("a bucket that is not there, or refuses the key, ends the start in one sentence", async () => {
  const elsewhere = { ...s3.bucket, url: s3.bucket.url.replace("models", "others") };
  const start = (content: typeof s3.bucket) => startTestRelay({ config: { content } });
  const sentence = (reason: string) =>
    expect.objectContaining({ name: "StartError", message: expect.stringMatching(reason) });
  await expect(start(elsewhere)).rejects.toEqual(
    sentence(`^The relay's key in the bucket \\S+others cannot be reached: .* NoSuchBucket\\.$`),
  );
  await expect(start({ ...s3.bucket, keyId: "stranger" })).rejects.toEqual(
    sentence("InvalidAccessKeyId"),
  );
});

describe.runIf(hasPostgres)("with PostgreSQL", () => {
  const relays: TestRelay[] = [];
  afterEach(async () => {
    for (const relay of relays.splice(0)) await relay.remove();
  });

  test("two relays on two machines share nothing but database and bucket", async () => {
    const [database, own] = await Promise.all([startPostgres(), startS3()]);
    const config = { store: database.url(), content: own.bucket };
    const one = await startTestRelay({ config, seed: "one" });
    relays.push(one);
    const two = await startTestRelay({ config, seed: "two" });
    relays.push(two);
    expect(two.dataDir).not.toBe(one.dataDir);
    const volunteer = await createVolunteer(two.client, tinyRecipe);
    const work = await contribute(volunteer, two.now());
    await two.client.putContribution(work.id, work.bytes, work.signature);
    expect(await one.decided(work.id)).toMatchObject({ state: "merged", version: 1 });
    expect(await two.client.blob(work.id)).toEqual(work.bytes);
    for (const relay of relays.splice(0)) await relay.remove();
    await own.remove();
    await database.remove();
  });
});
