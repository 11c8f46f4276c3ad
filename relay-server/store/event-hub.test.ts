import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventRoutes } from "../doors/event-routes.ts";
import { createEventHub } from "./event-hub.ts";
import { openSqliteLedger } from "./sqlite/open-ledger.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-events-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("H12: where more comes at once than the relay remembers, every stream ends, and who returns hears the rest", async () => {
  const { ledger, close } = await openSqliteLedger(join(folder, "ledger.db"));
  const hub = await createEventHub(ledger.status);
  const app = eventRoutes({ status: ledger.status, hub, chance: () => 0, enter: () => () => {} });
  const tell = async (count: number) => {
    const event = { type: "leaderboard", data: { model: "tiny" } } as const;
    await ledger.status.appendEvents(Array<typeof event>(count).fill(event));
    hub.wake();
  };
  try {
    const reader = (await app.request("/api/v1/events")).body!.getReader();
    const hear = async () => new TextDecoder().decode((await reader.read()).value);
    expect(await hear()).toContain("id: 0\n");
    await tell(1);
    expect(await hear()).toContain("id: 1\n");
    await tell(4097);
    expect(await reader.read()).toEqual({ done: true, value: undefined });

    const headers = { "last-event-id": "1" };
    const back = (await app.request("/api/v1/events", { headers })).body!.getReader();
    let heard = "";
    while (!heard.includes("id: 4098\n"))
      heard += new TextDecoder().decode((await back.read()).value);
    await back.cancel();
  } finally {
    hub.close();
    await close();
  }
});
