import { expect, test } from "vitest";
import { createRelayClient } from "../../../core/protocol/client.ts";
import type { EngineName, Snapshot } from "../../../worker/api.ts";
import { createEngine } from "../../../worker/device/engine.ts";
import { systemPlatform } from "../../../worker/device/platform.ts";
import { createVolunteer } from "../../../worker/run/volunteer.ts";
import { webLock } from "../../../worker/run/web-lock.ts";
import { openIndexedDbStore } from "../../../worker/store/indexed-db-store.ts";
import { createFakeRelay } from "../../fixtures/fake-relay.ts";

/** Trains one piece in this browser, on IndexedDB and the real backends; what it ended with. */
async function volunteerOnce(prefer: "webgpu" | "cpu") {
  const relay = await createFakeRelay({ now: systemPlatform.now });
  const volunteer = createVolunteer({
    openStore: () => openIndexedDbStore({ name: `volunteer-${prefer}`, now: systemPlatform.now }),
    client: createRelayClient({ baseUrl: location.origin, fetch: relay.fetch }),
    engine: createEngine(),
    lock: webLock(navigator.locks),
    platform: systemPlatform,
    software: "test/1",
  });
  const last = Promise.withResolvers<Snapshot>();
  await volunteer.open((snapshot) => {
    const isOver = snapshot.phase === "ready" && snapshot.pieces.length > 0;
    if (isOver || snapshot.phase === "stopped") last.resolve(snapshot);
  });
  await volunteer.start({ model: "tiny", prefer, power: 1, pieces: 1 });
  return { snapshot: await last.promise, relay };
}

test.each<["webgpu" | "cpu", EngineName]>([
  ["webgpu", "webgpu"],
  ["cpu", "wasm"],
])("a browser that prefers %s trains and sends a piece on %s", async (prefer, name) => {
  const { snapshot, relay } = await volunteerOnce(prefer);
  expect(snapshot).toMatchObject({ phase: "ready", reason: null, engine: name });
  expect(snapshot.pieces).toMatchObject([{ sent: "sent" }]);
  const [contribution] = relay.received.values();
  const { header } = contribution!.patch;
  expect(header.device.startsWith(name)).toBe(true);
  expect(header.lossAfter).toBeLessThan(header.lossBefore);
});
