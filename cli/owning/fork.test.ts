import { access, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { publicKeyHex, sha256, signId } from "../../core/crypto/signature.ts";
import { encodeSuiteFile } from "../../core/gate/suite-file.ts";
import { parseValue } from "../../core/protocol/canonical-json.ts";
import { suiteHeader } from "../../core/protocol/schemas/suite.ts";
import { decodeExamples } from "../../core/training/examples.ts";
import { openModelFolder } from "../../import/model-folder.ts";
import { runCommand } from "../../tests/fixtures/command.ts";
import { eventually } from "../../tests/fixtures/eventually.ts";
import { type ForkStage, handInAt, openForkStage } from "../../tests/fixtures/fork-stage.ts";
import { maintainerOf } from "../../tests/fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../../tests/fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { createVolunteer } from "../../tests/fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 }); // two relays with their threads
const changes = { merge: { ...tinyRecipe.merge, cohortSize: 1 } };
let stage: ForkStage;
let address: string;
beforeAll(async () => {
  stage = await openForkStage(changes, 2, "fork");
  address = `${stage.upstream.relay.url}/tiny`;
  await acceptSuite(stage.upstream);
});
afterAll(() => stage.remove());

/** The upstream's gate tests on a suite that somebody contributed. */
async function acceptSuite(relay: TestRelay): Promise<void> {
  const { client } = relay;
  const { keys, contributor } = await createVolunteer(client, tinyRecipe);
  const { gate } = await tinyModel().heldOut();
  const words = { reason: "These count.", licence: "CC0-1.0", use: "Patterns." };
  const header = parseValue("suite", suiteHeader, {
    format: "commonweight.suite/1",
    model: "tiny",
    name: "patterns",
    contributor,
    marginNats: 0.5,
    ...words,
  });
  const bytes = encodeSuiteFile(header, decodeExamples("gate", gate, tinyRecipe.architecture));
  const id = await sha256(bytes);
  await client.putSuite(id, bytes, await signId("suite", id, keys.privateKey));
  await eventually(async () => expect((await client.suite(id)).state).toBe("waiting"));
  const maintainer = await maintainerOf(relay);
  await maintainer.acceptSuite({ model: "tiny", suite: id, reason: "They do." });
  expect(contributor).toBe(await publicKeyHex(keys));
}

test("R9: a fork on another relay begins as the upstream's version, with lineage, shards and suites, and goes on", async () => {
  const { client } = stage.upstream;
  const fork = await stage.fork(1);
  const zero = (await fork.client.version("tiny", 0)).record;
  const { record, signature } = await client.version("tiny", 1);
  expect(zero.checkpoint).toBe(record.checkpoint);
  expect(zero.mask).toEqual(record.mask);
  const url = stage.upstream.relay.url;
  const { relayKey } = record;
  const upstream = { relayKey, model: "tiny", number: 1, signature, licence: "CC0-1.0", url };
  expect(zero.lineage).toEqual([{ ...upstream, id: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
  expect((await fork.client.model("tiny")).lineage).toEqual(zero.lineage);

  const { shards } = await fork.client.shards("tiny");
  const examples = shards.reduce((sum, shard) => sum + shard.examples, 0);
  expect(examples).toBe(8 * 6 * 60 - 3 * 300); // the upstream's, without those that the fork holds out
  await eventually(async () =>
    expect((await fork.client.suites("tiny"))[0]?.state).toBe("waiting"),
  );
  const [suite] = await fork.client.suites("tiny");
  const own = `${fork.relay.url}/tiny`;
  const without = await stage.read("fork", own, join(stage.folder, "without-suites"));
  expect(without.code).toBe(0);
  expect(without.lines.join(" ")).not.toContain("of the upstream"); // the only suite is not accepted
  const accepted = { model: "tiny", suite: suite!.id, reason: "They count here too." };
  await (await maintainerOf(fork)).acceptSuite(accepted);

  const { id } = await handInAt(fork, "tiny");
  expect(await fork.decided(id)).toMatchObject({ state: "merged", version: 1 });
  expect(await stage.read("verify", own)).toMatchObject({ code: 0, errors: [] });
  const clone = join(stage.folder, "clone");
  expect((await stage.read("clone", own, clone)).code).toBe(0);
  expect(await stage.read("verify", clone)).toMatchObject({ code: 0, errors: [] });
  const { lines } = await stage.read("log", clone);
  expect(lines.at(-1)).toMatch(/ forked from http:\/\/localhost:\d+\/tiny@1$/);
  const shown = (await stage.read("show", `${clone}@0`)).lines.join("\n");
  expect(shown).toContain(`CC0-1.0), signed by ${relayKey}`);

  const second = join(stage.folder, "fork-of-fork");
  expect((await stage.read("fork", own, second)).code).toBe(0);
  const { lineage } = await (await openModelFolder(second)).upstream!();
  expect(lineage.map(({ number, relayKey: key }) => [number, key])).toEqual([
    [1, zero.relayKey],
    [1, relayKey],
  ]);
  const home = await startTestRelay({ seed: "home" });
  const where = ["--relay", home.relay.url, "--token-file", home.relay.maintainerTokenFile];
  const renamed = join(second, "recipe.jsonc");
  await writeFile(
    renamed,
    (await readFile(renamed, "utf8")).replace('"id": "tiny"', '"id": "minute"'),
  );
  const added = await runCommand("add", second, ...where, "--reason", "A fork.", "--yes");
  expect(added).toMatchObject({ code: 0, errors: [] }); // R6 takes a fork too
  expect((await home.client.model("minute")).lineage).toEqual(lineage);
  expect((await home.client.suites("minute")).map(({ header }) => header.model)).toEqual(["tiny"]);
  await home.remove();
});

test("R9: a fork with data of its own holds its own examples out", async () => {
  const path = join(stage.folder, "own-data");
  const { draftFolder } = await import("../../import/model-folder.ts");
  const { printRecipe } = await import("../../import/recipe-file.ts");
  const own = tinyModel({ id: "own" }, "own");
  const draft = await draftFolder(path);
  for await (const shard of own.shards()) await draft.putShard(shard);
  for (const [set, bytes] of Object.entries(await own.heldOut()))
    await draft.putHeldOut(set, bytes);
  await draft.finish(printRecipe(own.recipe, {}), { source: "own", removed: 0 });
  const folder = join(stage.folder, "with-data");
  const said = await stage.read("fork", address, folder, "--data", path, "--id", "ours", "--json");
  expect(said).toMatchObject({ code: 0, errors: [] });
  expect(JSON.parse(said.lines.join())).toMatchObject({ model: "ours", shards: 6, heldOut: 900 });
  const forked = await openModelFolder(folder);
  expect(await forked.heldOut()).toEqual(await own.heldOut());
});

test("R9: what cannot be forked is one sentence, and leaves no folder", async () => {
  const path = join(stage.folder, "refused");
  const few = await startTestRelay({ seed: "few" });
  for (const [words, sentence] of [
    [[`${address}@9`, path], /^tiny has no such version; its head is 2$/],
    [[address, path, "--key", "ab".repeat(32)], /does not verify: .*\(key\)$/],
    [[address, stage.folder], /: there already; name a new folder\.$/],
    [
      [`${few.relay.url}/tiny`, path],
      /^The shards of Tiny have 360 examples, and 900 are to be held out/,
    ],
    [[address, path, "--data", stage.folder], /no model folder, for it has no recipe\.jsonc/],
  ] as const) {
    const said = await stage.read("fork", ...words);
    expect(said).toMatchObject({ code: 1, lines: [] });
    expect(said.errors).toEqual([expect.stringMatching(sentence)]);
    await expect(access(path)).rejects.toThrow();
  }
  await few.remove();
});

test("R9: a relay imports no fork whose upstream does not hold", async () => {
  const folder = join(stage.folder, "spoilt");
  const said = await stage.read("fork", `${address}@1`, folder);
  expect(said.lines.slice(1, 3).join(" ")).toMatch(
    /held out\. 1 suite of the upstream waits for you to accept\. A relay that serves tiny too leaves them out: /,
  );
  const file = join(folder, "upstream.json");
  const whole = await readFile(file, "utf8");
  const { record } = await stage.upstream.client.version("tiny", 1);
  const suite = /"id": "([0-9a-f]{64})",\s+"signature"/.exec(
    whole.slice(whole.indexOf('"suites"')),
  )![1]!;
  for (const [from, to, sentence] of [
    [
      `"checkpoint": "${record.checkpoint}"`,
      `"checkpoint": "${"0".repeat(64)}"`,
      /is not the record of/,
    ],
    [/"signature": "../, '"signature": "00', /lineage of tiny: version 1 of tiny is not signed by/],
    ['"number": 1', '"number": 2', /is version 1 of tiny, not 2 of tiny/],
    [suite, "0".repeat(64), /the suite 0{64} cannot be read/],
  ] as const) {
    await writeFile(file, whole.replace(from, to));
    const source = await openModelFolder(folder);
    await expect(startTestRelay({ source, seed: "spoilt" })).rejects.toThrow(sentence);
  }
});
