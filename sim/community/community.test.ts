import { beforeAll, expect, test } from "vitest";
import { replayVersion } from "../../core/history/replay.ts";
import {
  followContributions,
  type VerifiedVersion,
  verifyVersion,
} from "../../core/history/version.ts";
import { decodePatch } from "../../core/patch/patch.ts";
import { applyDeltaStep } from "../../core/tensors/delta-step.ts";
import { nameCheckpoint } from "../../core/tensors/manifest.ts";
import { openBackend } from "../../kernels/backend.ts";
import { tinyModel, tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import type { Attack } from "./attacks.ts";
import { type CommunityOptions, type CommunityResult, runCommunity } from "./community.ts";
import { DEFENCES } from "./relay.ts";
import type { ContributionReport, Fate } from "./report.ts";
import { loadModel, type SimModel } from "./sim-model.ts";

const options: CommunityOptions = {
  volunteers: 4,
  versions: 5,
  liars: 0,
  attack: "sign-flip",
  stale: 0.25,
  without: new Set(),
  shards: "shipped",
  isProbed: false,
  isBurst: false,
  isLifelike: false,
  until: null,
  seed: "sim test",
};
const silent = () => {};

let model: SimModel;
let honest: CommunityResult;

beforeAll(async () => {
  await openBackend({ prefer: "cpu" });
  const recipe = {
    ...tinyRecipe,
    merge: { ...tinyRecipe.merge, stalenessLimit: 3, cohortSeconds: 60 },
  };
  model = await loadModel(tinyModel(recipe));
  honest = await runCommunity(model, options, silent);
});

test("a community improves its model, and every piece of work arrives", () => {
  const { base, last, contributions } = honest.report;
  expect(honest.head.record.number).toBeGreaterThan(2);
  expect(last.accuracy).toBeGreaterThan(base.accuracy);
  expect(contributions.length).toBeGreaterThan(12);
  expect(contributions.filter(({ fate }) => fate === "waiting")).toEqual([]);
});

test("the same seed gives the same history, another seed another one", async () => {
  const again = await runCommunity(model, options, silent);
  expect(again.head.id).toBe(honest.head.id);
  const { relaySeconds: _, ...report } = again.report;
  expect(honest.report).toMatchObject(report);
  const other = await runCommunity(model, { ...options, versions: 1, seed: "another" }, silent);
  expect(other.history[1]?.record.checkpoint).not.toBe(honest.history[1]?.record.checkpoint);
});

test("V6: anyone verifies the history and replays it to the same checkpoints, stale work included", async () => {
  let parent: VerifiedVersion | null = null;
  const contributions = new Map<string, "merged" | "reverted">();
  let parameters = model.base;
  const patches = new Map(
    Array.from(honest.merged, ([id, { bytes, piece }]) => {
      const patch = decodePatch(bytes, model.layout, piece.positions);
      return [id, { patch, positions: piece.positions }];
    }),
  );
  const lags = new Set<number>();
  for (const version of honest.history) {
    const { relayKey } = honest.head.record;
    const verdict = await verifyVersion(version, parent, relayKey, contributions);
    expect(verdict).toMatchObject({ ok: true });
    if (!verdict.ok) return;
    parent = verdict.version;
    followContributions(contributions, version.record);
    const { record } = version;
    if (record.merge !== null) {
      const step = replayVersion(model.layout, parameters, record, patches);
      parameters = applyDeltaStep(parameters, step);
      for (const { base } of record.merge.inputs) lags.add(record.number - 1 - base);
    }
    expect((await nameCheckpoint(model.layout, parameters)).id).toBe(record.checkpoint);
  }
  expect(lags.size).toBeGreaterThan(1); // some work was behind others
});

/** What becomes of liars' and of honest work when half of the volunteers lie. */
async function attacked(
  attack: Attack,
  score: Partial<typeof tinyRecipe.score> = {},
  without: CommunityOptions["without"] = new Set(["duplicates"]), // all of so small a model's work is alike
) {
  const recipe = { ...model.recipe, score: { ...model.recipe.score, ...score } };
  const run = { ...options, volunteers: 6, liars: 0.5, attack, without };
  const { report } = await runCommunity({ ...model, recipe }, run, silent);
  const fatesOf = (isLie: boolean): Fate[] =>
    report.contributions
      .filter((each: ContributionReport) => each.isLie === isLie)
      .map(({ fate }) => fate);
  return { lies: fatesOf(true), honest: fatesOf(false) };
}

test("the community without the liars' places does the very same honest work", async () => {
  const { report } = await runCommunity(
    model,
    { ...options, volunteers: 6, liars: 1 / 3, without: new Set(["duplicates"]) },
    silent,
  );
  const honestPieces = report.contributions.filter(({ isLie }) => !isLie).length;
  expect(honestPieces).toBe(honest.report.contributions.length);
});

test("sign flips do not go where the relay's own training goes, and none is merged", async () => {
  const { lies, honest } = await attacked("sign-flip", { references: 2, leastZ: 0.1 });
  expect(new Set(lies)).toEqual(new Set(["unrelated"]));
  expect(new Set(honest)).toEqual(new Set(["merged"]));
});

test("without references sign flips are harmful by their score", async () => {
  expect((await attacked("sign-flip")).lies).toContain("harmful");
});

test("another's work that waits, with a little noise and another's signature, is refused as copied", async () => {
  const { lies } = await attacked("copied", { references: 2 }, new Set());
  expect(lies).toContain("copied");
});

test("half of the work, doubled, fails every spot check; honest work passes them", async () => {
  const { lies, honest } = await attacked("half-work", { spotCheckShare: 1 });
  expect(new Set(lies)).toEqual(new Set(["spot-check-failed"]));
  expect(new Set(honest)).toEqual(new Set(["merged"]));
});

const fisher = { examples: 60, damping: 1, outputShare: 0.1, vectorShare: 0.05, tensorCap: 1 };

test.each(["shared", "own"] as const)(
  "%s masks by Fisher information improve a model, and weigh their merge by it",
  async (kind) => {
    const recipe = {
      ...model.recipe,
      mask: { ...model.recipe.mask, kind, fisher },
      merge: { ...model.recipe.merge, rule: "fisher" as const },
    };
    const { report, history } = await runCommunity({ ...model, recipe }, options, silent);
    expect(history.at(-1)?.record.mask.kind).toBe(kind);
    expect(report.last.accuracy).toBeGreaterThan(report.base.accuracy);
    expect(report.contributions.filter(({ fate }) => fate === "merged").length).toBeGreaterThan(10);
  },
);

test("without any defence everything is merged, untested, and the history says so", async () => {
  const without = new Set(DEFENCES);
  const run = { ...options, liars: 0.5, versions: 2, without };
  const { report, history } = await runCommunity(model, run, silent);
  const fates = new Set(report.contributions.map(({ fate }) => fate));
  expect(fates).toEqual(new Set(["merged"]));
  expect(history.at(-1)?.record.merge).not.toBeNull();
  expect(history.at(-1)?.record.evaluation.gate).toBeNull();
});

test("what diverges is judged and refused, spot checks and all, and the model stays as it was", async () => {
  const { training, score } = model.recipe;
  const recipe = {
    ...model.recipe,
    training: { ...training, learningRate: 100 },
    score: { ...score, toleranceNats: 1e9, spotCheckShare: 1 }, // it is as far as the spot check
  };
  const { report, head } = await runCommunity(
    { ...model, recipe },
    { ...options, versions: 2 },
    silent,
  );
  expect(report.contributions.length).toBeGreaterThan(0);
  expect(report.contributions.filter(({ fate }) => fate === "merged")).toEqual([]);
  expect(head.record.number).toBe(0);
});
