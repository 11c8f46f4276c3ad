import { expect, test } from "vitest";
import type { Phase, Snapshot } from "../../worker/api.ts";
import { READY } from "../../worker/run/snapshot-feed.ts";
import type { PieceLife } from "./piece-life.ts";
import { describeVolunteer, keptPiece, type VolunteerFacts } from "./volunteer-view.ts";

const snapshot = (change: Partial<Snapshot>): Snapshot => ({
  ...READY,
  model: "digits",
  ...change,
});
const facts: VolunteerFacts = {
  unsupported: null,
  outdated: false,
  failure: null,
  asking: false,
  starting: false,
  snapshot: null,
  replayShards: 0,
  newest: null,
  online: true,
  kept: null,
  modelPaused: false,
  modelRetired: null,
  held: null,
  otherTab: null,
};
const life = (change: Partial<PieceLife>): PieceLife => ({
  stage: "received",
  sentence: "Received and stored.",
  steps: [],
  settled: false,
  version: null,
  ...change,
});

const PHASES: readonly Phase[] = [
  "ready",
  "checking",
  "judging",
  "asking",
  "downloading",
  "training",
  "uploading",
  "paused",
  "no-work",
  "offline",
  "other-tab",
  "stopped",
];

test("every phase of the engine has a title and exactly one reason, of one sentence or two", () => {
  for (const phase of PHASES) {
    const view = describeVolunteer({ ...facts, snapshot: snapshot({ phase }) });
    expect(view.state, phase).toBe(phase);
    expect(view.title.length, phase).toBeGreaterThan(3);
    expect(view.reason, phase).toMatch(/\.$/);
  }
});

test("a piece that was left is said to wait, on the page of its model alone, until its ticket ends", () => {
  const left = { model: "digits", step: 11, steps: 60, endsAtMs: 1000 };
  const resting = snapshot({ phase: "ready", kept: left });
  const seen = (model: string, nowMs: number) =>
    describeVolunteer({ ...facts, snapshot: resting, kept: keptPiece(resting, model, nowMs) });
  expect(seen("digits", 999)).toMatchObject({
    title: "Ready when you are",
    reason:
      "A piece waits as you left it, at step 11 of 60, and goes on from there on the same GPU or CPU. Nothing runs until you say so.",
  });
  expect(seen("digits", 1000).reason).toBe("Nothing runs until you say so.");
  expect(seen("presidents", 999).reason).toBe("Nothing runs until you say so.");
});

test("the engine's own reason is the reason, where it gives one", () => {
  for (const phase of ["paused", "no-work", "offline", "other-tab", "stopped"] as const) {
    const reason = "Asked again in 20 s.";
    expect(describeVolunteer({ ...facts, snapshot: snapshot({ phase, reason }) }).reason).toBe(
      reason,
    );
  }
});

test("what forbids contributing at all comes before anything else", () => {
  const training = snapshot({ phase: "training" });
  const all = { ...facts, snapshot: training, outdated: true, failure: "x", asking: true };
  expect(describeVolunteer({ ...all, unsupported: "No workers." }).state).toBe("unsupported");
  expect(describeVolunteer(all).state).toBe("outdated");
  expect(describeVolunteer({ ...all, outdated: false }).state).toBe("stopped");
  expect(describeVolunteer({ ...all, outdated: false, failure: null }).state).toBe("consent");
});

test("downloading tells bytes, training tells steps", () => {
  const downloading = snapshot({
    phase: "downloading",
    download: { doneBytes: 250_000, totalBytes: 1_000_000 },
  });
  expect(describeVolunteer({ ...facts, snapshot: downloading }).progress).toEqual({
    label: "250 kB of 1.0 MB",
    share: 0.25,
  });
  const training = snapshot({ phase: "training", step: 10, steps: 50, shards: ["images 0–599"] });
  const view = describeVolunteer({ ...facts, snapshot: training });
  expect(view.progress).toEqual({ label: "Step 10 of 50", share: 0.2 });
  expect(view.reason).toBe("On images 0–599.");
});

test("training says which of its data repeat what the model learned first", () => {
  const training = snapshot({ phase: "training", shards: ["Polk 1846", "Grant 1870", "Whales 3"] });
  const reason = (replayShards: number) =>
    describeVolunteer({ ...facts, replayShards, snapshot: training }).reason;
  expect(reason(0)).toBe("On Polk 1846, Grant 1870, and Whales 3.");
  expect(reason(1)).toMatch(/Whales 3\. One part repeats what the model learned first/);
  expect(reason(2)).toMatch(/2 of the parts repeat/);
});

test("training on the processor in place of the GPU says so beside the shards", () => {
  const reason = "WebGPU does not work in this browser, so the processor trains.";
  const training = snapshot({ phase: "training", shards: ["images 0–599"], reason });
  expect(describeVolunteer({ ...facts, snapshot: training }).reason).toBe(
    `On images 0–599. ${reason}`,
  );
});

test("finishing keeps the progress of the piece and says what comes after", () => {
  const finishing = snapshot({ phase: "training", step: 10, steps: 50, finishing: true });
  const view = describeVolunteer({ ...facts, snapshot: finishing });
  expect([view.state, view.progress?.share]).toEqual(["finishing", 0.2]);
});

test("the page is busy exactly while the engine has a piece under way, whatever it waits for", () => {
  const busy = (change: Partial<Snapshot>) =>
    describeVolunteer({ ...facts, snapshot: snapshot(change) }).busy;
  for (const phase of PHASES) {
    expect(busy({ phase, underway: true }), phase).toBe(true);
    expect(busy({ phase, underway: false }), phase).toBe(false);
  }
  expect(describeVolunteer(facts).busy).toBe(false);
});

test("a resting volunteer sees what became of the newest piece", () => {
  const resting = { ...facts, snapshot: snapshot({}) };
  expect(describeVolunteer({ ...resting, newest: life({}) })).toMatchObject({
    state: "verifying",
    reason: "Received and stored.",
  });
  const merged = life({ stage: "merged", settled: true, version: 7 });
  expect(describeVolunteer({ ...resting, newest: merged })).toMatchObject({
    state: "merged",
    title: "Merged into version 7",
  });
  const refused = life({ stage: "refused", settled: true, sentence: "Not used. It is stale." });
  expect(describeVolunteer({ ...resting, newest: refused })).toMatchObject({
    state: "refused",
    reason: "It is stale.",
  });
});

test("a volunteer who works is not told about the piece before", () => {
  const newest = life({ stage: "merged", settled: true });
  const training = snapshot({ phase: "training" });
  expect(describeVolunteer({ ...facts, snapshot: training, newest }).state).toBe("training");
});

test("without the relay there is nothing to start, and the page says so before the click", () => {
  expect(describeVolunteer({ ...facts, online: false }).state).toBe("offline");
});

test("between the click and the engine's first word the page says that it loads", () => {
  expect(describeVolunteer({ ...facts, starting: true }).state).toBe("checking");
});

test("a model that a maintainer paused does not invite", () => {
  const view = describeVolunteer({ ...facts, modelPaused: true });
  expect([view.state, view.title]).toEqual(["no-work", "This model rests"]);
});

test("R5: a model that a maintainer retired says so, and why", () => {
  const view = describeVolunteer({ ...facts, modelRetired: "digits-2 goes on from here" });
  expect([view.state, view.title]).toEqual(["no-work", "This model is retired"]);
  expect(view.reason).toContain("says why: digits-2 goes on from here.");
});

test("an idle tab says what the other one does, in the other's words", () => {
  const view = describeVolunteer({ ...facts, otherTab: "Paused" });
  expect(view.state).toBe("other-tab");
  expect(view.reason).toContain("“Paused”");
});

test("work that this page holds back rests, with that reason; what the user paused is paused", () => {
  const held = "This device runs on its battery.";
  const paused = snapshot({ phase: "paused", reason: null });
  expect(describeVolunteer({ ...facts, snapshot: paused, held })).toMatchObject({
    state: "paused",
    title: "Resting",
    reason: held,
  });
  expect(describeVolunteer({ ...facts, snapshot: paused }).title).toBe("Paused");
  const training = snapshot({ phase: "training" });
  expect(describeVolunteer({ ...facts, snapshot: training, held }).state).toBe("training");
});
