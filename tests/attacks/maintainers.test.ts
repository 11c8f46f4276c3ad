import { readFile } from "node:fs/promises";
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

const REQUESTS = {
  pause: () => ({ model: "tiny" }),
  resume: () => ({ model: "tiny" }),
  revert: () => ({ model: "tiny", contribution, reason: "I do not like it" }),
  recipe: () => ({ model: "tiny", reason: "r" }),
  additions: () => ({ plan: {}, reason: "r" }),
  tag: () => ({ model: "tiny", version: 0, tag: "1.0.0", reason: "r" }),
  ban: () => ({ contributor: "ab".repeat(32), reason: "I do not like them" }),
  unban: () => ({ contributor: "ab".repeat(32) }),
};
const TOKENS = [
  ["without a token", {}],
  ["with a wrong token", { authorization: `Bearer ${"0".repeat(64)}` }],
  ["with a token that is none", { authorization: "Bearer x" }],
  ["by a password", { authorization: "Basic bWFpbnRhaW5lcjpwYXNzd29yZA==" }],
] as const;

for (const [action, request] of Object.entries(REQUESTS)) {
  for (const [how, headers] of TOKENS) {
    test(`H15: ${action} ${how} is 401`, () =>
      expectRefusal(relay, 401, "signature-invalid", () => {
        const body = JSON.stringify(request());
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

const tagged = async (request: object) => {
  const token = await readFile(relay.relay.maintainerTokenFile, "utf8");
  const headers = { authorization: `Bearer ${token}` };
  const body = JSON.stringify({ model: "tiny", version: 0, tag: "1.0.0", reason: "r", ...request });
  return relay.ask("/api/v1/admin/tag", { method: "POST", headers, body });
};

for (const tag of [
  "1.0",
  "v1.0.0",
  "01.0.0",
  "1.0.0-beta",
  "head",
  "1",
  "",
  "../1.0.0",
  "1.0.9999999",
]) {
  test(`H17: a tag "${tag}" is none`, () =>
    expectRefusal(relay, 400, "malformed", () => tagged({ tag })));
}

test("H17: a version or a model that is not there cannot be tagged", async () => {
  await expectRefusal(relay, 404, "version-unknown", () => tagged({ version: 7 }));
  await expectRefusal(relay, 404, "model-unknown", () => tagged({ model: "nowhere" }));
  await expectRefusal(relay, 400, "malformed", () => tagged({ version: -1 }));
});

test("H17: a tag is never moved", async () => {
  expect((await tagged({})).status).toBe(200);
  await expectRefusal(relay, 409, "tag-taken", () => tagged({}));
});
