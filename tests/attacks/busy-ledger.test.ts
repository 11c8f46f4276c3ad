/** Another process holds the ledger's lock, as a backup tool may. */
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, expect, test, vi } from "vitest";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyRecipe } from "../fixtures/tiny-model.ts";
import { contribute, createVolunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
afterEach(() => relay.remove());

test("H25: a write waits for the lock, one that waits too long is 503 with retry-after, and reads go on", async () => {
  relay = await startTestRelay();
  const { client, dataDir, ask } = relay;
  const volunteer = await createVolunteer(client, tinyRecipe);
  const { id, bytes, signature } = await contribute(volunteer, relay.now());
  const other = new Database(join(dataDir, "ledger.db"));
  other.exec("begin immediate");
  const headers = { "commonweight-signature": signature };
  const put = () => ask(`/api/v1/contributions/${id}`, { method: "PUT", body: bytes, headers });
  const answered: string[] = [];
  const answering = put().finally(() => answered.push("write"));
  expect((await client.model("tiny")).head.number).toBe(0);
  answered.push("read");
  const answer = await answering;
  expect(answered).toEqual(["read", "write"]); // the read waits for no write
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
  expect(await answer.json()).toMatchObject({ error: { code: "unavailable" } });

  const again = put();
  setTimeout(() => other.exec("commit"), 300);
  expect((await again).status).toBe(201);
  other.close();
});
