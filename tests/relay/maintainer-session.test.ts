import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { SESSION_MS } from "../../relay-server/doors/maintainer-session.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay({ seed: "maintainer session" });
});
afterAll(() => relay.remove());

const token = () => readFile(relay.relay.maintainerTokenFile, "utf8");

const SESSION = "/api/v1/admin/session";
const PAGE = { "commonweight-protocol": "1" };

/** Sign in with `token`; the cookie as a browser sends it back. */
async function signIn(token: string): Promise<{ cookie: string; attributes: string }> {
  const answer = await relay.ask(SESSION, {
    method: "POST",
    headers: { ...PAGE, authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: "{}",
  });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ maintainer: "first" });
  const [cookie = "", ...attributes] = (answer.headers.get("set-cookie") ?? "").split("; ");
  return { cookie, attributes: attributes.join("; ") };
}
/** Who is signed in by what a browser sends. */
async function who(headers: Record<string, string>): Promise<string | null> {
  const answer = await relay.ask(SESSION, { headers });
  return ((await answer.json()) as { maintainer: string | null }).maintainer;
}

test("H39: a maintainer signs in with the token once, and the cookie alone is then as good", async () => {
  const { cookie, attributes } = await signIn(await token());
  expect(attributes).toContain("HttpOnly");
  expect(attributes).toContain("SameSite=Strict");
  expect(attributes).not.toContain("Path=/;"); // the folder of the maintainers' routes alone
  expect(await who({ ...PAGE, cookie })).toBe("first");
  const paused = await relay.ask("/api/v1/admin/pause", {
    method: "POST",
    headers: { ...PAGE, cookie, "content-type": "application/json" },
    body: JSON.stringify({ model: "tiny", reason: "a walk" }),
  });
  expect(paused.status).toBe(200);
});

test("H39: over TLS the cookie never travels without", async () => {
  const secret = await token();
  const answer = await relay.ask(SESSION, {
    method: "POST",
    headers: { ...PAGE, authorization: `Bearer ${secret}`, "x-forwarded-proto": "https" },
    body: "{}",
  });
  expect(answer.headers.get("set-cookie")).toContain("Secure");
});

test("H39: a session does not make another: twelve hours after the token was given it is over", async () => {
  const { cookie } = await signIn(await token());
  const headers = { ...PAGE, cookie, "content-type": "application/json" };
  const again = await relay.ask(SESSION, { method: "POST", headers, body: "{}" });
  expect([again.status, again.headers.get("set-cookie")]).toEqual([401, null]);
});

test("H39: a cookie without the page's own header, as another site's form would send it, is nobody's", async () => {
  const { cookie } = await signIn(await token());
  expect(await who({ cookie })).toBeNull();
});

test("H39: nobody signs in without a token, and no cookie but the relay's own opens", async () => {
  expect(await who(PAGE)).toBeNull();
  const forged = `commonweight-session=${relay.now() + 1000}.${"a".repeat(64)}.${"b".repeat(128)}`;
  expect(await who({ ...PAGE, cookie: forged })).toBeNull();
  const guess = { method: "POST", headers: { ...PAGE, authorization: `Bearer ${"x".repeat(64)}` } };
  expect((await relay.ask(SESSION, { ...guess, body: "{}" })).status).toBe(401);
});

test("H39: signing out takes the cookie back, and twelve hours end every session", async () => {
  const { cookie } = await signIn(await token());
  const out = await relay.ask(`${SESSION}-end`, {
    method: "POST",
    headers: { ...PAGE, cookie, "content-type": "application/json" },
    body: "{}",
  });
  expect(out.headers.get("set-cookie")).toMatch(/Max-Age=0|Expires=Thu, 01 Jan 1970/);
  relay.advance(SESSION_MS);
  expect(await who({ ...PAGE, cookie })).toBeNull();
});
