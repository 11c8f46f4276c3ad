import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { maintainerOf } from "../fixtures/maintainer.ts";
import type { TestRelay } from "../fixtures/test-relay.ts";
import { expectRefusal, freshWork, put, recruit, settle, startPatientRelay } from "./stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
beforeAll(async () => {
  relay = await startPatientRelay();
});
afterAll(() => relay.remove());

test("H19: who is banned gets no work, sends none, and loses what waits; others go on", async () => {
  const [banned, other] = await Promise.all([recruit(relay), recruit(relay)]);
  const [waiting, late, theirs] = [
    await banned.pack(await freshWork(relay, banned)),
    await banned.pack(await freshWork(relay, banned)),
    await other.pack(await freshWork(relay, other)),
  ];
  await settle(relay, waiting);
  await settle(relay, theirs);
  const maintainer = await maintainerOf(relay);
  const reason = "Every patch of theirs is noise.";
  const { contributor } = banned;
  const events = (await relay.ask("/api/v1/events?topics=health")).body!.getReader();
  const status = await maintainer.ban({ contributor, reason });
  expect(status).toEqual({ contributor, banned: true, refused: 1 });

  let told = "";
  while (!told.includes('"queued":1'))
    told += new TextDecoder().decode((await events.read()).value);
  await events.cancel();

  expect(await relay.client.contribution(waiting.id)).toMatchObject({
    state: "refused",
    reason: { code: "banned", message: reason },
  });
  expect((await relay.client.contribution(theirs.id)).state).toBe("queued");
  await expectRefusal(relay, 403, "banned", () => put(relay, late));
  await expect(banned.ask(relay.now())).rejects.toThrow(reason);
  await other.ask(relay.now());

  const lifting = { contributor, reason: "Their computer is mended." };
  await maintainer.unban(lifting);
  await maintainer.unban(lifting); // there is none any more
  await settle(relay, late); // the refusal was not for ever
  await banned.ask(relay.now());
  const { entries } = await maintainer.audit();
  expect(entries.map(({ action, subject }) => [action, subject])).toEqual([
    ["unban", contributor],
    ["ban", contributor],
  ]);
  expect(entries[1]?.note).toBe(`${reason} (1 that waited refused)`);
});
