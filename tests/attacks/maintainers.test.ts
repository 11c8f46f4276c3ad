import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { TestRelay } from "../fixtures/test-relay.ts";
import { contribute } from "../fixtures/volunteer.ts";
import { expectRefusal, recruit, settle, startPatientRelay } from "./stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
let contribution: string;
beforeAll(async () => {
  relay = await startPatientRelay();
  const parcel = await contribute(await recruit(relay), relay.now());
  await settle(relay, parcel);
  contribution = parcel.id;
});
afterAll(() => relay.remove());

const ACTIONS = ["pause", "resume", "revert"] as const;
const TOKENS = [
  ["without a token", {}],
  ["with a wrong token", { authorization: `Bearer ${"0".repeat(64)}` }],
  ["with a token that is none", { authorization: "Bearer x" }],
  ["by a password", { authorization: "Basic bWFpbnRhaW5lcjpwYXNzd29yZA==" }],
] as const;

for (const action of ACTIONS) {
  for (const [how, headers] of TOKENS) {
    test(`H15: ${action} ${how} is 401`, () =>
      expectRefusal(relay, 401, "signature-invalid", () => {
        const request = { model: "tiny", contribution, reason: "I do not like it" };
        const body = JSON.stringify(action === "revert" ? request : { model: "tiny" });
        return relay.ask(`/api/v1/admin/${action}`, { method: "POST", headers, body });
      }));
  }
}

test("H15: a contributor's signature makes no maintainer of them", async () => {
  const volunteer = await recruit(relay);
  const headers = {
    authorization: `Bearer ${volunteer.contributor}`,
    "commonweight-signature": "0".repeat(128),
  };
  const body = JSON.stringify({ model: "tiny", contribution, reason: "mine is better" });
  await expectRefusal(relay, 401, "signature-invalid", () =>
    relay.ask("/api/v1/admin/revert", { method: "POST", headers, body }),
  );
  expect((await relay.client.contribution(contribution)).state).toBe("queued");
});
