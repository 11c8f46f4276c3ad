import { expect, test } from "vitest";
import { FormatError } from "../../core/errors.ts";
import type { KeyframeManifest } from "../../core/protocol/schemas/checkpoint.ts";
import type { RelayContext } from "../context.ts";
import type { ModelRow } from "../store/tables.ts";
import { createSharedLists } from "./shared-lists.ts";

const KIB = 1 << 10;
const KEYFRAME_EVERY = 2;
const manifest: KeyframeManifest = {
  format: "commonweight.checkpoint/2",
  tensors: [{ name: "w", shape: [1000] }],
  chunkValues: 1 << 18,
  chunks: [{ dtype: "F16", sha256: "ab".repeat(32) }],
};

/** A model's history whose version n has a step of `stepKib[n - 1]` KiB; every second one is a keyframe. */
function listsOf(stepKib: readonly number[], damagedKeyframe: number | null = null) {
  const stage = { head: stepKib.length, reads: 0 };
  const history = {
    async keyframe(_: string, upTo: number) {
      const number = upTo - (upTo % KEYFRAME_EVERY);
      return { number, checkpoint: `keyframe ${number}`, narrow: null };
    },
    async steps(_: string, first: number, last: number) {
      stage.reads++;
      return stepKib
        .map((kib, i) => ({ number: i + 1, step: `step ${i + 1}`, step_bytes: kib * KIB }))
        .filter(({ number }) => number >= first && number <= last);
    },
  } as unknown as RelayContext["history"]; // what is read of it is there
  const lists = createSharedLists(
    { history, clock: () => 0 },
    {
      async manifestOf({ checkpoint }) {
        if (checkpoint === `keyframe ${damagedKeyframe}`) throw new FormatError("its manifest");
        return manifest;
      },
    },
  );
  const model = () => ({ id: "tiny", head: stage.head, parameters: 1000 }) as ModelRow; // as well
  return { stage, sizeOf: (list: string) => lists(model(), list) };
}

test("W6: the newest four versions' steps of 256 KiB to 4 MiB are lists of one chunk", async () => {
  const { sizeOf } = listsOf([300, 256, 255, 4096, 4097]);
  const sizes = await Promise.all([1, 2, 3, 4, 5].map((n) => sizeOf(`step ${n}`)));
  expect(sizes).toEqual([
    null, // the fifth newest
    { chunks: 1, sizeBytes: 256 * KIB },
    null,
    { chunks: 1, sizeBytes: 4096 * KIB },
    null,
  ]);
});

test("W6: version 0 and the newest four keyframes are lists as they are served", async () => {
  const { sizeOf } = listsOf(new Array(13).fill(1));
  for (const number of [0, 6, 8, 10, 12]) {
    expect(await sizeOf(`keyframe ${number}`)).toEqual({ chunks: 1, sizeBytes: 2000 });
  }
  for (const number of [2, 4, 14]) expect(await sizeOf(`keyframe ${number}`)).toBe(null);
});

test("W6: a keyframe whose manifest is damaged is no list, and the others are", async () => {
  const { sizeOf } = listsOf([300, 300, 300, 300], 2);
  expect(await sizeOf("keyframe 2")).toBe(null);
  expect(await sizeOf("keyframe 4")).toEqual({ chunks: 1, sizeBytes: 2000 });
  expect(await sizeOf("step 4")).toEqual({ chunks: 1, sizeBytes: 300 * KIB });
});

test("W6: the lists of a head are read once, and anew for the next head", async () => {
  const { stage, sizeOf } = listsOf([300, 300, 300, 300, 300]);
  stage.head = 4;
  await Promise.all([sizeOf("step 1"), sizeOf("step 5")]);
  expect([await sizeOf("step 1"), await sizeOf("step 5"), stage.reads]).toEqual([
    { chunks: 1, sizeBytes: 300 * KIB },
    null,
    1,
  ]);
  stage.head = 5;
  expect([await sizeOf("step 1"), stage.reads]).toEqual([null, 2]);
});

test("W6: a model at version 0 shares no step", async () => {
  const { sizeOf } = listsOf([]);
  expect(await sizeOf("step 0")).toBe(null);
});
