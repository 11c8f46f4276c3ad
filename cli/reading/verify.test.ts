import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  openRepositoryStage,
  type RepositoryStage,
} from "../../tests/fixtures/repository-stage.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // a relay with its threads starts first
let stage: RepositoryStage;
let address: string;
beforeAll(async () => {
  stage = await openRepositoryStage();
  address = `${stage.url}/tiny`;
});
afterAll(() => stage.remove());

test("a relay's history verifies: by its address, by name, and with what is served for downloading", async () => {
  const holds = `✓ ${address} holds: 5 versions, 6 contributions of 2 contributors, 1 reverted.`;
  const first = await stage.read("verify", stage.url);
  expect(first).toMatchObject({ code: 0, errors: [] });
  expect(first.lines[0]).toBe(holds);
  expect(first.lines[1]).toMatch(/^ {2}key [0-9a-f]{64} \(first seen now\)$/);
  const again = await stage.read("verify", "tiny", "--relay", stage.url, "--full");
  expect(again.lines[0]).toBe(holds);
  expect(again.lines[1]).toMatch(/\(as expected\)$/);
  const page = await stage.read("verify", `${stage.url}/#/history/tiny/2`, "--json");
  const { models } = JSON.parse(page.lines.join("\n"));
  expect(models).toMatchObject([{ holds: true, model: "tiny", versions: 5, pin: { number: 4 } }]);
});

test("a history by another key than the one that is expected does not verify", async () => {
  const { code, errors } = await stage.read("verify", address, "--key", "ab".repeat(32));
  expect(code).toBe(1);
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatch(/does not verify: version 0: .*signs with .* \(key\)$/);
});

test("a clone verifies without the relay, and says what in it was changed", async () => {
  const folder = join(stage.folder, "clone");
  const cloned = await stage.read("clone", address, folder);
  expect(cloned.lines).toEqual([`${address} is in ${folder}: 5 versions, all verified.`]);
  const held = await stage.read("verify", folder);
  expect(held.lines[0]).toBe(
    `✓ ${folder} holds: 5 versions, 6 contributions of 2 contributors, 1 reverted.`,
  );
  const patch = join(folder, "blobs", stage.merged[1]![0]!);
  const bytes = await readFile(patch);
  const damaged = Uint8Array.from(bytes);
  damaged[bytes.length - 1]! ^= 1;
  await writeFile(patch, damaged);
  const found = await stage.read("verify", folder, "--json");
  expect(JSON.parse(found.lines.join()).models).toMatchObject([
    { holds: false, version: 2, fault: "missing" },
  ]);
  expect(found.code).toBe(1);
  const mended = await stage.read("clone", address, folder); // loads what is damaged anew
  expect(mended.code).toBe(0);
  expect(new Uint8Array(await readFile(patch))).toEqual(new Uint8Array(bytes));

  await rename(join(folder, "versions/3.json"), join(folder, "versions/4.json"));
  const gap = await stage.read("verify", folder);
  expect(gap.errors[0]).toMatch(/version 3: no version 3 in .* \(missing\)$/);
});

test("a clone goes into no folder that holds another model, and nothing there changes", async () => {
  const folder = join(stage.folder, "other");
  await stage.read("clone", address, folder);
  const path = join(folder, "record.json");
  const record = JSON.parse(await readFile(path, "utf8"));
  await writeFile(path, JSON.stringify({ ...record, relay: "https://elsewhere.example" }));
  const before = await readdir(join(folder, "blobs"));
  const refused = await stage.read("clone", address, folder);
  expect(refused).toMatchObject({
    code: 1,
    errors: [`${folder} holds tiny of https://elsewhere.example, not ${address}.`],
  });
  expect(await readdir(join(folder, "blobs"))).toEqual(before);
});

test.each([
  ["verify", "./nothing", /no folder that "commonweight clone" made/],
  ["verify", "Digits", /It is a model's name, the address of one/],
  ["verify", "tiny", /--relay or COMMONWEIGHT_RELAY says which relay/],
  ["clone", "./nothing", /no folder that "commonweight clone" made/],
])("%s of %s is one sentence and exit code 1", async (command, model, sentence) => {
  const { code, lines, errors } = await stage.read(command, model);
  expect({ code, lines, count: errors.length }).toEqual({ code: 1, lines: [], count: 1 });
  expect(errors[0]).toMatch(sentence);
});

test("a model that the relay does not have, and a relay that does not answer, are one sentence", async () => {
  const unknown = await stage.read("verify", `${stage.url}/nothing`);
  expect(unknown).toMatchObject({ code: 1, errors: ["this relay has no model of that name"] });
  const absent = await stage.read("verify", "http://127.0.0.1:1/tiny");
  expect(absent).toMatchObject({ code: 1, errors: ["http://127.0.0.1:1 does not answer"] });
});
