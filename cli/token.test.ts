import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runCommand } from "../tests/fixtures/command.ts";
import { startTestRelay, type TestRelay } from "../tests/fixtures/test-relay.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay();
});
afterAll(() => relay.remove());

test("a second maintainer gets a token while the relay runs, acts under their own name, and loses it", async () => {
  const { dataDir, client } = relay;
  const where = ["--data-dir", dataDir];
  const made = await runCommand("token", "make", ...where, "--name", "ada");
  expect(made).toMatchObject({ code: 0, errors: [] });
  const file = join(dataDir, "maintainer-token-ada");
  expect(made.lines[0]).toContain(file);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const ada = client.maintainer(await readFile(file, "utf8"));
  await ada.pause({ model: "tiny", reason: "a test" });
  const first = client.maintainer(await readFile(relay.relay.maintainerTokenFile, "utf8"));
  await first.resume({ model: "tiny", reason: "a test" });
  const { entries } = await ada.audit();
  expect(entries.map(({ maintainer, action }) => [maintainer, action]).slice(0, 3)).toEqual([
    ["first", "resume"],
    ["ada", "pause"],
    ["at the relay's machine", "token"],
  ]);
  const listed = await runCommand("token", "list", ...where);
  expect(listed.lines.map((line) => line.split(" ")[0])).toEqual(["ada", "first"]);

  expect(await runCommand("token", "revoke", ...where, "--name", "ada")).toMatchObject({ code: 0 });
  await expect(ada.pause({ model: "tiny", reason: "a test" })).rejects.toMatchObject({
    code: "signature-invalid",
  });
  const again = await runCommand("token", "revoke", ...where, "--name", "ada");
  expect(again).toEqual({
    code: 1,
    lines: [],
    errors: ["No maintainer of this relay is called ada."],
  });
});

test("a new token of the same name makes the old one void", async () => {
  const where = ["--data-dir", relay.dataDir, "--name", "first"];
  const old = relay.client.maintainer(await readFile(relay.relay.maintainerTokenFile, "utf8"));
  await runCommand("token", "make", ...where);
  await expect(old.audit()).rejects.toMatchObject({ code: "signature-invalid" });
});

test("a folder without a ledger, and a name that is none, are one sentence", async () => {
  const empty = await mkdtemp(join(tmpdir(), "commonweight-token-"));
  const nowhere = await runCommand("token", "list", "--data-dir", empty);
  await rm(empty, { recursive: true });
  expect(nowhere).toMatchObject({
    code: 1,
    errors: [expect.stringMatching(/^There is no ledger/)],
  });
  const named = await runCommand("token", "make", "--data-dir", relay.dataDir, "--name", "../x");
  expect(named.errors[0]).toMatch(/It is a short name/);
});
