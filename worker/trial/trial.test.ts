import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { openFileStore } from "../../cli/file-store.ts";
import { generateText } from "../../core/models/generation.ts";
import { createRelayClient } from "../../core/protocol/client.ts";
import type { Fetch } from "../../core/protocol/fetch.ts";
import { openBackend } from "../../kernels/backend.ts";
import { tinyLlama, tinyVit } from "../../tests/fixtures/base-models.ts";
import { startTestRelay, type TestRelay } from "../../tests/fixtures/test-relay.ts";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { tinyTextModel } from "../../tests/fixtures/tiny-text-model.ts";
import { contribute, createVolunteer } from "../../tests/fixtures/volunteer.ts";
import { StoppedError } from "../run/words.ts";
import { createTrial } from "./trial.ts";

vi.setConfig({ testTimeout: 60_000 }); // each test starts a relay with its threads
let relay: TestRelay;
afterEach(() => relay.remove());

async function openStage(beforeOpen = () => {}) {
  const asked: string[] = [];
  const faults = { offline: false };
  const ask: Fetch = async (url, init) => {
    if (faults.offline) throw new TypeError("Failed to fetch");
    asked.push(new URL(url).pathname);
    return relay.ask(url, init as RequestInit);
  };
  const store = await openFileStore({ path: join(relay.dataDir, "visitor"), now: relay.now });
  const trial = createTrial({
    openStore: async () => {
      beforeOpen();
      return store;
    },
    client: createRelayClient({ baseUrl: "http://relay", fetch: ask }),
    openCpu: () => openBackend({ prefer: "cpu" }),
  });
  const versionOf = async (model: string, number: number) => {
    const { versions } = await relay.client.versions(model);
    return { number, id: versions.find((each) => each.number === number)!.id };
  };
  return { trial, store, asked, faults, versionOf };
}

test("two versions side by side answer for the same image, and what is held for training stays", async () => {
  relay = await startTestRelay();
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  const parcel = await contribute(volunteer, relay.now());
  await relay.client.putContribution(parcel.id, parcel.bytes, parcel.signature);
  await relay.decided(parcel.id);

  const { trial, store, asked, faults, versionOf } = await openStage();
  const held = { model: "tiny", version: 1, parameters: new Float32Array(3) };
  await store.putHeld(held);
  const versions = [await versionOf("tiny", 1), await versionOf("tiny", 0)];
  const told: [number, number][] = [];
  await trial.load({ model: "tiny", versions }, (done, total) => void told.push([done, total]));
  expect(told.at(-1)![0]).toBe(told.at(-1)![1]);
  const answers = await trial.predict(Uint8Array.from({ length: 16 }, (_, p) => p * 16));
  expect(answers).toHaveLength(2);
  for (const answer of answers) expect(answer.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  expect(answers[0]).not.toEqual(answers[1]);
  for (const { label, pixels, answers } of await trial.disagreements("tiny", 3)) {
    expect(pixels).toHaveLength(16);
    expect(answers[0]).not.toBe(answers[1]);
    expect(answers).toContain(label);
  }
  expect(await store.held("tiny")).toEqual(held);
  expect(await store.keyPair()).toBeNull();
  expect(asked.filter((path) => path.includes("/blobs/"))).toHaveLength(3); // a keyframe, a delta step and a shard

  faults.offline = true;
  await expect(trial.load({ model: "tiny", versions }, () => {})).rejects.toThrow(
    /^The relay can't be reached/,
  );
});

test("a store that could not be opened is opened anew for the next question", async () => {
  relay = await startTestRelay();
  let refusals = 1;
  const { trial, versionOf } = await openStage(() => {
    if (refusals-- > 0) throw new StoppedError("This browser keeps nothing.");
  });
  const versions = [await versionOf("tiny", 0)];
  const load = () => trial.load({ model: "tiny", versions }, () => {});
  await expect(load()).rejects.toThrow("This browser keeps nothing.");
  await load();
  expect(await trial.predict(new Uint8Array(16))).toHaveLength(1);
});

test("a version that is not the one its id names is not tried", async () => {
  relay = await startTestRelay();
  const { trial } = await openStage();
  const versions = [{ number: 0, id: "0".repeat(64) }];
  await expect(trial.load({ model: "tiny", versions }, () => {})).rejects.toThrow(/damaged data/);
});

test("a GPT's version writes on, letter by letter, until it is stopped", async () => {
  relay = await startTestRelay({ source: tinyTextModel() });
  const { trial, versionOf } = await openStage();
  const versions = [await versionOf("tiny-text", 0)];
  await trial.load({ model: "tiny-text", versions }, () => {});
  const task = { prompt: "we the ", length: 9, temperature: 1, seed: 3 };
  const write = async (length: number, onText: (count: number) => void = () => {}) => {
    const texts: string[] = [];
    await trial.write({ ...task, length }, (place, text) => {
      expect(place).toBe(0);
      onText(texts.push(text));
    });
    return texts;
  };
  const texts = await write(9);
  expect(texts.map(({ length }) => length)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(texts.at(-1)!.startsWith(texts[3]!)).toBe(true);
  expect(await write(1000, (count) => void (count === 4 && trial.stop()))).toEqual(
    texts.slice(0, 4),
  );
  for (const prompt of ["Zürich", ""]) {
    const foreign = trial.write({ ...task, prompt }, () => {});
    await expect(foreign).rejects.toThrow(/can't read every character/);
  }
});

test("a Llama-shaped version writes in its tokenizer's words, which the relay has", async () => {
  const { source, parameters, tokenizer } = await tinyLlama();
  relay = await startTestRelay({ source });
  const { trial, asked, versionOf } = await openStage();
  const versions = [await versionOf("tiny-llama", 0)];
  await trial.load({ model: "tiny-llama", versions }, () => {});
  expect(asked.filter((path) => path.includes("/blobs/"))).toHaveLength(2); // the checkpoint and the tokenizer
  let text = "";
  const task = { prompt: "We are met", length: 30, temperature: 1, seed: 1 };
  await trial.write(task, (_place, written) => {
    text = written;
  });
  const { architecture } = source.recipe;
  if (architecture.kind !== "transformer") throw new Error(architecture.kind);
  const prompt = tokenizer.encode(task.prompt);
  const tokens = await generateText({ architecture, parameters, ...task, prompt });
  const whole = tokenizer.decode([...prompt, ...tokens]);
  expect(whole).toMatch(/^We are met.*[a-z]/);
  expect(text).toBe(whole.slice("We are met".length).replace(/\ufffd+$/, ""));
});

test("a ViT's version says how probable each class is", async () => {
  relay = await startTestRelay({ source: await tinyVit() });
  const { trial, versionOf } = await openStage();
  await trial.load({ model: "tiny-vit", versions: [await versionOf("tiny-vit", 0)] }, () => {});
  const [answer] = await trial.predict(Uint8Array.from({ length: 108 }, (_, p) => (37 * p) % 256));
  expect(answer).toHaveLength(5);
  expect(answer!.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
});
