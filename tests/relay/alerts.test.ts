import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { maintainerOf } from "../fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay({ seed: "alerts" });
});
afterAll(() => relay.remove());

const reason = "Nobody sleeps through a full disk.";

test("H49: a maintainer sets the limits, the relay and the audit log have them, and they outlive a restart", async () => {
  const { limits } = await relay.client.alerts();
  expect(limits).toMatchObject({ "no-merge": 4, refusals: 3, flips: 0.5, network: 0.3 });
  const maintainer = await maintainerOf(relay);
  const changed = { ...limits, disk: 0, network: null };
  const answer = await maintainer.setAlerts({ limits: changed, reason });
  expect(answer.limits).toEqual(changed);
  expect((await maintainer.audit()).entries[0]).toMatchObject({
    maintainer: "first",
    action: "alerts",
    note: reason,
  });
  relay = await relay.restart();
  expect((await relay.client.alerts()).limits).toEqual(changed);
});

test("H48: an alert keeps the time since when it is one, ends with its cause, and is counted for Prometheus", async () => {
  const maintainer = await maintainerOf(relay);
  const { limits } = await relay.client.alerts();
  const [full] = (await maintainer.setAlerts({ limits: { ...limits, disk: 0 }, reason })).alerts;
  expect(full).toMatchObject({ kind: "disk", model: null, about: "", contributions: [] });
  relay.advance(60_000);
  expect((await relay.client.alerts()).alerts).toMatchObject([{ since: full?.since }]);
  expect(await (await relay.ask("/metrics")).text()).toContain(
    'commonweight_alerts{kind="disk"} 1\n',
  );
  const off = await maintainer.setAlerts({ limits: { ...limits, disk: null }, reason });
  expect(off.alerts).toEqual([]);
  const metrics = await (await relay.ask("/metrics")).text();
  expect(metrics).not.toContain("commonweight_alerts{");
});

test("H49: nobody but a maintainer sets limits, and none that make no sense", async () => {
  const { limits } = await relay.client.alerts();
  const stranger = relay.client.maintainer("a token that nobody has given out");
  await expect(stranger.setAlerts({ limits, reason })).rejects.toMatchObject({
    code: "signature-invalid",
  });
  const maintainer = await maintainerOf(relay);
  const wrong = [
    { ...limits, disk: 1.1 },
    { ...limits, refusals: 0 },
    { ...limits, flips: -1 },
  ];
  for (const each of wrong) {
    await expect(maintainer.setAlerts({ limits: each, reason })).rejects.toMatchObject({
      code: "malformed",
    });
  }
  await expect(maintainer.setAlerts({ limits, reason: "" })).rejects.toMatchObject({
    code: "malformed",
  });
});

test("H50: a relay with a webhook looks by itself and posts what it finds", async () => {
  let hear = (_message: unknown) => {};
  const heard = new Promise<unknown>((resolve) => {
    hear = resolve;
  });
  const receiver = createServer(async (request, response) => {
    hear(JSON.parse((await Array.fromAsync(request)).join("")));
    response.end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const alertWebhook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  let telling = await startTestRelay({ seed: "telling", config: { alertWebhook } });
  try {
    const { limits } = await telling.client.alerts();
    const maintainer = await maintainerOf(telling);
    await maintainer.setAlerts({ limits: { ...limits, disk: 0 }, reason });
    telling = await telling.restart(); // the first look is at the start
    expect(await heard).toMatchObject({
      alerts: [{ state: "begun", kind: "disk", model: null, contributions: [] }],
    });
  } finally {
    await telling.remove();
    receiver.closeAllConnections();
    receiver.close();
  }
});
