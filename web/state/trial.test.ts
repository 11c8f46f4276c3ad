import { expect, test } from "vitest";
import type { TrialEngine } from "../trial-engine.ts";
import { type Choice, createTrial } from "./trial.svelte.ts";

const choice = (model: string, ...ids: string[]): Choice => ({
  model,
  versions: ids.map((id, number) => ({ number, id })),
});

/** A trial over an engine that answers with which versions it has; `hold` keeps the next loads waiting. */
function openStage() {
  const calls: string[] = [];
  const gate = { hold: Promise.resolve() };
  let engines = 0;
  let die: (error: Error) => void = () => {};
  const openEngine = (): TrialEngine => {
    engines++;
    let loaded = 0;
    const { promise: failed, reject } = Promise.withResolvers<never>();
    failed.catch(() => {});
    die = reject;
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
        predict: async ([value = 0]) =>
          Array.from({ length: loaded }, () => Float32Array.of(value)),
        async write(_task, onByte) {
          for (const byte of [0xc3, 0xa9, 0x21]) await onByte(0, byte);
        },
        stop: async () => {},
      },
    };
  };
  const trial = createTrial(openEngine);
  return { trial, calls, gate, engines: () => engines, die: (error: Error) => die(error) };
}

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
});

test("of the images that come while an answer is under way, only the newest is answered", async () => {
  const { trial, gate } = openStage();
  const held = Promise.withResolvers<void>();
  gate.hold = held.promise;
  await trial.choose(choice("digits", "a"));
  const first = trial.read(Uint8Array.of(1));
  for (const value of [2, 3, 4]) await trial.read(Uint8Array.of(value));
  expect(trial).toMatchObject({ phase: "loading", download: { doneBytes: 1, totalBytes: 2 } });
  held.resolve();
  await first;
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

test("text comes letter by letter, also where a letter has two bytes", async () => {
  const { trial } = openStage();
  await trial.choose(choice("presidents", "a"));
  const prompt = Uint8Array.of(65);
  await trial.write({ prompt, length: 3, temperature: 1, seed: 1 });
  expect(trial).toMatchObject({ texts: ["é!"], writing: false });
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
