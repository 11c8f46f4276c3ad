import { afterEach, expect, test, vi } from "vitest";
import type { TrialEngine } from "../trial-engine.ts";
import { type Choice, createPageTrial } from "./trial.svelte.ts";

const choice = (model: string, ...ids: string[]): Choice => ({
  model,
  versions: ids.map((id, number) => ({ number, id })),
});

/** A trial over an engine that answers with which versions it has; the gate keeps its next loads and answers waiting. */
function openStage() {
  const calls: string[] = [];
  const gate = { hold: Promise.resolve(), predict: Promise.resolve() };
  let engines = 0;
  let die: (error: Error) => void = () => {};
  const openEngine = (): TrialEngine => {
    engines++;
    let loaded = 0;
    const failed = new Promise<never>((_, reject) => {
      die = reject;
    });
    failed.catch(() => {});
    return {
      failed,
      close: () => calls.push("close"),
      api: {
        async load({ model, versions }, onProgress) {
          calls.push(`load ${model} ${versions.map(({ id }) => id)}`);
          onProgress(1, 2);
          await gate.hold;
          loaded = versions.length;
        },
        async predict([value = 0]) {
          await gate.predict;
          return Array.from({ length: loaded }, () => Float32Array.of(value));
        },
        disagreements: async () => [],
        async write(_task, onText) {
          for (const text of ["", "é", "é!"]) await onText(0, text);
        },
        stop: async () => {},
      },
    };
  };
  const trial = createPageTrial(openEngine);
  return { trial, calls, gate, engines: () => engines, die: (error: Error) => die(error) };
}

afterEach(() => vi.restoreAllMocks());

test("a browser that can't contribute for its age can read and write all the same", async () => {
  vi.spyOn(Promise, "withResolvers").mockImplementation(() => {
    throw new TypeError("as in Safari 17.3 and Firefox 115");
  });
  const { trial } = openStage();
  await trial.choose(choice("digits", "a"));
  await trial.read(Uint8Array.of(5));
  expect(trial.answers).toEqual([Float32Array.of(5)]);
  await trial.write({ prompt: "A", length: 3, temperature: 1, seed: 1 });
  expect(trial.texts).toEqual(["é!"]);
});

test("nothing is fetched before the first question, and one load serves all that follow", async () => {
  const { trial, calls } = openStage();
  await trial.choose(choice("digits", "b", "a"));
  expect(calls).toEqual([]);
  await trial.read(Uint8Array.of(5));
  await trial.read(Uint8Array.of(6));
  expect(calls).toEqual(["load digits b,a"]);
  expect(trial.answers).toEqual([Float32Array.of(6), Float32Array.of(6)]);
  await trial.read(null);
  expect(trial.answers).toBeNull();
  await trial.read(Uint8Array.of(7));
  expect(trial.answers).toEqual([Float32Array.of(7), Float32Array.of(7)]);
});

test("of the images that come while an answer is under way, only the newest is answered", async () => {
  const { trial, gate } = openStage();
  const held = Promise.withResolvers<void>();
  gate.hold = held.promise;
  await trial.choose(choice("digits", "a"));
  const first = trial.read(Uint8Array.of(1));
  const others = [2, 3, 4].map((value) => trial.read(Uint8Array.of(value)));
  expect(trial).toMatchObject({ phase: "loading", download: { doneBytes: 1, totalBytes: 2 } });
  let isAnswered = false;
  void others[2]!.then(() => {
    isAnswered = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isAnswered).toBe(false); // else an older image's answer would be told for it
  held.resolve();
  await Promise.all([first, ...others]);
  expect(trial.answers).toEqual([Float32Array.of(4)]);
});

test("other versions answer for the drawing that is there; another model begins with nothing", async () => {
  const { trial, calls } = openStage();
  await trial.choose(choice("digits", "a"));
  await trial.read(Uint8Array.of(5));
  await trial.choose(choice("digits", "b", "a"));
  expect(trial.answers).toHaveLength(2);
  await trial.choose(choice("presidents", "c"));
  expect(trial).toMatchObject({ phase: "idle", answers: null });
  expect(calls).toEqual(["load digits a", "load digits b,a"]);
});

test("what is shown of a text is what its version has written so far", async () => {
  const { trial } = openStage();
  await trial.choose(choice("presidents", "a"));
  const prompt = "A";
  await trial.write({ prompt, length: 3, temperature: 1, seed: 1 });
  expect(trial).toMatchObject({ texts: ["é!"], writing: false });
});

test("stop is heard while the versions load: nothing is written, and the next text needs no other load", async () => {
  const { trial, calls, gate } = openStage();
  const held = Promise.withResolvers<void>();
  gate.hold = held.promise;
  await trial.choose(choice("presidents", "a"));
  const task = { prompt: "A", length: 3, temperature: 1, seed: 1 };
  const written = trial.write(task);
  await trial.stop();
  await written;
  expect(trial).toMatchObject({ texts: null, writing: false, phase: "loading" });
  held.resolve();
  await trial.write(task);
  expect(trial.texts).toEqual(["é!"]);
  expect(calls).toEqual(["load presidents a"]);
});

test("where the newest image has no answer, the one before it is not shown for it", async () => {
  const { trial, gate, die } = openStage();
  await trial.choose(choice("digits", "a"));
  await trial.read(Uint8Array.of(5));
  gate.predict = new Promise(() => {});
  const asked = trial.read(Uint8Array.of(6));
  die(new Error("The engine could not go on."));
  await asked;
  expect(trial).toMatchObject({ phase: "failed", answers: null });
});

test("an engine that dies is a sentence, and is opened anew for the next question", async () => {
  const { trial, gate, engines, die } = openStage();
  gate.hold = new Promise(() => {});
  await trial.choose(choice("digits", "a"));
  const asked = trial.read(Uint8Array.of(5));
  die(new Error("The engine could not be fetched."));
  await asked;
  expect(trial).toMatchObject({ phase: "failed", problem: "The engine could not be fetched." });
  gate.hold = Promise.resolve();
  await trial.again();
  expect(trial).toMatchObject({ phase: "ready", problem: null, answers: [Float32Array.of(5)] });
  expect(engines()).toBe(2);
});
