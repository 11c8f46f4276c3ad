/** A relay whose ledger is in PostgreSQL: the whole walk, and a server that goes and comes back. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { hasPostgres, startPostgres, type TestPostgres } from "../fixtures/postgres.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000 }); // each test starts a relay with its threads
if (!hasPostgres) console.warn("PostgreSQL is not installed: nothing of this file is tried.");

describe.runIf(hasPostgres)("a relay on PostgreSQL", () => {
  let server: TestPostgres;
  let relay: TestRelay;
  beforeAll(async () => {
    server = await startPostgres();
  }, 60_000);
  afterEach(() => relay.remove());
  afterAll(() => server.remove());

  test("walk: work becomes a version, the server is killed, and the relay goes on with the next", async () => {
    relay = await startTestRelay({ config: { store: server.url() }, seed: "postgres" });
    const { client, ask } = relay;
    const volunteer = await createVolunteer(client, tinyRecipe);
    const first = await contribute(volunteer, relay.now());
    await client.putContribution(first.id, first.bytes, first.signature);
    expect(await relay.decided(first.id)).toMatchObject({ state: "merged", version: 1 });

    const second = await contribute(volunteer, relay.now());
    await server.kill();
    const headers = { "commonweight-signature": second.signature };
    const put = () =>
      ask(`/api/v1/contributions/${second.id}`, { method: "PUT", body: second.bytes, headers });
    const away = await put();
    expect([away.status, away.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(await away.json()).toMatchObject({
      error: { code: "unavailable", message: "the relay's database does not answer: try again" },
    });
    await server.restart();
    expect((await put()).status).toBe(201);
    expect(await relay.decided(second.id)).toMatchObject({ state: "merged", version: 2 });
    expect((await client.model("tiny")).merged).toBe(2);

    relay = await relay.restart();
    expect((await relay.client.model("tiny")).head.number).toBe(2);
    expect(await relay.client.blob(first.id)).toEqual(first.bytes);
  });
});
