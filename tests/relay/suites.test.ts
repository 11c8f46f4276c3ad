/** A suite that somebody contributes stops what makes the model worse for them, and says so. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Contribution } from "../../core/protocol/schemas/contribution.ts";
import { createRandom } from "../../core/random.ts";
import {
  decodeExamples,
  type Examples,
  joinExamples,
  sliceExamples,
} from "../../core/training/examples.ts";
import type { ImageExamples } from "../../core/training/image-examples.ts";
import { runCommand } from "../fixtures/command.ts";
import { eventually } from "../fixtures/eventually.ts";
import { maintainerOf } from "../fixtures/maintainer.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel, tinyRecipe } from "../fixtures/tiny-model.ts";
import { createVolunteer, type Volunteer } from "../fixtures/volunteer.ts";

vi.setConfig({ testTimeout: 120_000 }); // a relay with its threads, and commands that wait for it

const PIXELS = 16;
const CLASSES = ["top", "upper", "lower", "bottom"];
const columns = Array.from({ length: PIXELS }, (_, i) => {
  return { kind: "number", name: `p${i}`, least: 0, most: 255 } as const;
});
const recipe = {
  ...tinyRecipe,
  data: { ...tinyRecipe.data, inputs: { kind: "table", columns }, classes: CLASSES } as const,
  training: { steps: 60, batch: 32, learningRate: 0.02 },
  mask: { ...tinyRecipe.mask, density: 1 },
  merge: { ...tinyRecipe.merge, cohortSize: 1, newcomerWeight: 1 },
};

let stage: TestRelay;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-suites-"));
  stage = await startTestRelay({ source: tinyModel(recipe), lots: 255, seed: "suites" });
});
afterEach(async () => {
  await stage.remove();
  await rm(folder, { recursive: true });
});

/** The model's patterns, as bright as `light` of 255. */
function pictures(seed: string, count: number, light: number): ImageExamples {
  const random = createRandom(seed);
  const labels = Uint8Array.from({ length: count }, () => random.below(CLASSES.length));
  const pixels = new Uint8Array(count * PIXELS);
  labels.forEach((label, row) => {
    for (let p = 0; p < PIXELS; p++) {
      const isLit = Math.floor((p * CLASSES.length) / PIXELS) === label;
      pixels[row * PIXELS + p] = (isLit ? light : 0) + random.below(light >> 1);
    }
  });
  return { kind: "images", count, pixels, labels };
}

/** Pictures without anything on them, all of the first class. */
function blank(count: number): ImageExamples {
  const random = createRandom("blank");
  const pixels = Uint8Array.from({ length: count * PIXELS }, () => random.below(24));
  return { kind: "images", count, pixels, labels: new Uint8Array(count) };
}

async function writeCsv(name: string, { count, pixels, labels }: ImageExamples): Promise<string> {
  const rows = Array.from({ length: count }, (_, row) =>
    [...pixels.subarray(row * PIXELS, (row + 1) * PIXELS), CLASSES[labels[row]!]].join(),
  );
  const path = join(folder, name);
  await writeFile(
    path,
    [[...columns.map((each) => each.name), "label"].join(), ...rows].join("\n"),
  );
  return path;
}

async function handIn(volunteer: Volunteer, more: readonly Examples[] = []): Promise<Contribution> {
  const ticket = await volunteer.ask(stage.now());
  const { id, bytes, signature } = await volunteer.pack(await volunteer.work(ticket, more));
  await stage.client.putContribution(id, bytes, signature);
  return stage.decided(id);
}

const DIM = 24; // of 255
const WORDS = { reason: "Our cellar is dark.", use: "Pictures from a cellar." };

/** Propose a file as Ben, with the words that every suite needs, and others beside or in their place. */
function propose(path: string, ...words: readonly string[]) {
  const { reason, use } = WORDS;
  const own = ["--name", "dim-pictures", "--reason", reason, "--licence", "CC0-1.0", "--use", use];
  const where = ["--relay", stage.relay.url, "--folder", join(folder, "ben")];
  return runCommand("suite", "propose", "tiny", path, ...own, ...where, ...words);
}

function maintain(...words: readonly string[]) {
  const { url, maintainerTokenFile } = stage.relay;
  const where = ["--relay", url, "--token-file", maintainerTokenFile];
  return runCommand(...words, ...where, "--reason", "Cellars count.", "--yes");
}

function read(...words: readonly string[]) {
  return runCommand(...words, "--pins", join(folder, "pins.json"));
}

async function suitesTested(version: number): Promise<string[]> {
  const { record } = await stage.client.version("tiny", version);
  return [...new Set(record.evaluation.gate?.tests?.map(({ suite }) => suite))];
}

test("U7: Ben's suite stops Ada's patch a version later and tells her why; mended, the patch passes", async () => {
  const { client } = stage;
  const ada = await createVolunteer(client, recipe);
  for (let i = 0; i < 2; i++) expect((await handIn(ada)).state).toBe("merged");
  expect((await maintain("tag", "tiny", "1.0.0")).code).toBe(0);

  const proposed = await propose(await writeCsv("dim.csv", pictures("dim", 400, DIM)));
  expect(proposed).toMatchObject({ code: 0, errors: [] });
  expect(proposed.lines[0]).toBe("dim-pictures: 400 examples, margin 0.1 nats, CC0-1.0; waiting.");
  expect(proposed.lines.at(-1)).toBe("It waits for a maintainer.");
  expect((await handIn(ada)).state).toBe("merged");
  expect(await suitesTested(3)).toEqual(["gate"]); // what waits stops nothing

  const accepted = await maintain("suite", "accept", "tiny", "dim-pictures");
  expect(accepted.lines.at(-2)).toBe("The gate of tiny tests on dim-pictures from now on.");
  const aim = blank(300); // what Ada wants told apart
  const stopped = await handIn(ada, [aim]);
  expect(stopped).toMatchObject({ state: "refused", reason: { code: "gate-failed" } });
  expect(stopped.reason?.message).toMatch(
    /^a model with it is worse than the version before by \d\.\d{3} nats an example on the suite "dim-pictures", and 0\.1 is allowed; [0-9a-f]{12} contributed it: “Our cellar is dark\.”$/,
  );

  const mended = await handIn(ada, [aim, pictures("more dim", 600, DIM)]);
  expect(mended).toMatchObject({ state: "merged", version: 4 });
  expect(await suitesTested(4)).toEqual(["gate", "dim-pictures"]);
  const release = await maintain("tag", "tiny", "--json");
  expect(JSON.parse(release.lines.join()).preview).toMatchObject({
    step: "minor",
    tag: "1.1.0",
    newSuites: ["dim-pictures"],
  });

  const [suite] = await client.suites("tiny");
  expect(suite).toMatchObject({ state: "accepted", stopped: 1 });
  const address = `${stage.relay.url}/tiny`;
  const clone = join(folder, "clone");
  expect((await read("clone", address, clone)).code).toBe(0);
  const verified = await read("verify", clone);
  expect(verified).toMatchObject({ code: 0, errors: [] });
  expect(verified.lines.join("\n")).toMatch(
    /suite dim-pictures of [0-9a-f]{12}: in force since version 3$/m,
  );
  await rm(join(clone, "blobs", suite!.id));
  expect((await read("verify", clone)).errors.join()).toContain(`no blob ${suite!.id}`);
});

test("U6: a suite that was withdrawn stops nothing, and the signed history says so", async () => {
  const ada = await createVolunteer(stage.client, recipe);
  const path = await writeCsv("dim.csv", pictures("dim", 400, DIM));
  await propose(path);
  await maintain("suite", "accept", "tiny", "dim-pictures");
  const stricter = await maintain(
    ...["recipe", "tiny", "--set", "gate.alpha=0.000001", "--set", "gate.marginNats=0.5"],
  );
  expect(stricter.errors.join()).toMatch(
    /the suite dim-pictures in force: 400 examples are too few for a margin of 0\.1 nats/,
  );
  expect((await handIn(ada)).state).toBe("merged");
  const withdrawn = await maintain("suite", "withdraw", "tiny", "dim-pictures");
  expect(withdrawn.lines.at(-2)).toBe("The gate of tiny does not test on dim-pictures any more.");
  expect((await handIn(ada, [blank(300)])).state).toBe("merged");
  expect(await suitesTested(1)).toEqual(["gate", "dim-pictures"]);
  expect(await suitesTested(2)).toEqual(["gate"]);
  const verified = await read("verify", `${stage.relay.url}/tiny`);
  expect(verified).toMatchObject({ code: 0, errors: [] });
  const again = await propose(await writeCsv("other.csv", pictures("other", 400, DIM)));
  expect(again).toMatchObject({ code: 1, lines: [] });
  expect(again.errors).toEqual([
    "another suite of this model has that name, and a name is one suite's for ever",
  ]);
  expect((await maintain("suite", "withdraw", "tiny", "dim-pictures")).errors).toEqual([
    "this suite is not where that can be done: look at its state",
  ]);
});

test("U6: a suite that finds sixteen in force stays as private as it was", async () => {
  await propose(await writeCsv("dim.csv", pictures("dim", 400, DIM)));
  const [own] = await stage.client.suites("tiny");
  const ledger = new DatabaseSync(join(stage.dataDir, "ledger.db"));
  ledger.exec("create temp table another as select * from suites");
  for (let n = 0; n < 16; n++) {
    ledger.exec(
      `update another set id = '${`${n}`.padStart(64, "0")}', name = 'suite-${n}', state = 'accepted'`,
    );
    ledger.exec("insert into suites select * from another");
  }
  const maintainer = await maintainerOf(stage);
  const accepting = maintainer.acceptSuite({ model: "tiny", suite: own!.id, reason: "r" });
  await expect(accepting).rejects.toMatchObject({ code: "suites-full" });
  await expect(stage.client.blob(own!.id)).rejects.toMatchObject({ code: "blob-unknown" });
  ledger.exec("delete from suites where state = 'accepted'"); // which have no files
  ledger.close();
});

test("U3: the relay looks at a suite once nothing is left to merge", async () => {
  const ada = await createVolunteer(stage.client, recipe);
  const ticket = await ada.ask(stage.now());
  const { id, bytes, signature } = await ada.pack(await ada.work(ticket, []));
  await maintain("pause", "tiny");
  await stage.client.putContribution(id, bytes, signature);
  expect((await propose(await writeCsv("dim.csv", pictures("dim", 400, DIM)))).code).toBe(0);
  await stage.relay.close();
  const ledger = new DatabaseSync(join(stage.dataDir, "ledger.db"));
  ledger.exec("update suites set state = 'received', findings = null");
  ledger.exec("update models set paused = 0"); // both are due at the next start
  ledger.close();
  stage = await stage.restart();
  expect(await stage.decided(id)).toMatchObject({ state: "merged", version: 1 });
  await eventually(async () => {
    const [suite] = await stage.client.suites("tiny");
    expect(suite).toMatchObject({ state: "waiting", findings: { version: 1 } });
  });
});

test("U2–U4: a suite that could show nothing is refused in one sentence, and nothing changes", async () => {
  const shard = (await stage.client.shards("tiny")).shards[0]!;
  const known = decodeExamples("shard", await stage.client.blob(shard.sha256), recipe.architecture);
  if (known.kind !== "images") throw new Error("a shard of texts");
  const own = pictures("dim", 380, DIM);
  const leaking = joinExamples([own, sliceExamples(known, 0, 20)]) as ImageExamples;
  const dim = await writeCsv("dim.csv", pictures("dim", 400, DIM));
  for (const [file, words, sentence] of [
    [
      await writeCsv("leaking.csv", leaking),
      [],
      "The suite was refused: 20 of its 400 examples are in the shards that volunteers train on: it would test what was learnt by heart.",
    ],
    [
      dim,
      ["--margin", "0.0000001"],
      /^400 examples are too few for a margin of 1e-7 nats: it takes \d+, or a margin of 0\.\d+$/,
    ],
    [
      dim,
      ["--licence", "unknown"],
      'its licence is "unknown": it needs one under which everybody may use the examples',
    ],
    [
      await writeCsv("small.csv", pictures("small", 40, DIM)),
      ["--margin", "0.1"],
      "40 examples are too few for a margin of 0.1 nats: it takes 130, or a margin of 0.333",
    ],
    [dim, ["--margin", "4"], "a margin of 4 nats is not below 4, the most that one example counts"],
    [dim, ["--name", "gate"], "suite: name: the name of a set of the recipe"],
    [join(folder, "none.csv"), [], `${join(folder, "none.csv")}: there is no such file or folder.`],
  ] as const) {
    const said = await propose(file, ...words);
    expect(said).toMatchObject({ code: 1, lines: [] });
    expect(said.errors).toEqual([
      typeof sentence === "string" ? sentence : expect.stringMatching(sentence),
    ]);
  }
  const states = (await stage.client.suites("tiny")).map(({ state }) => state);
  expect(states).toEqual(["refused"]); // the one that the relay had to look at
  const accepted = await maintain("suite", "accept", "tiny", "dim-pictures");
  expect(accepted.errors).toEqual(["this suite is not where that can be done: look at its state"]);
  expect(await stage.client.acts("tiny")).toEqual([]);
});
