import { expect, test } from "vitest";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import type { Head } from "../history/head.ts";
import type { LoopParts } from "../parts.ts";
import { createJudgingPace } from "./judging-pace.ts";
import { judgeWaiting } from "./screening.ts";
import { createSetbacks } from "./setbacks.ts";

test("the pace of judging is true from the first contribution: a reference's training is no part of it", async () => {
  let now = 1000;
  const row = { id: "1".repeat(64), model: "tiny", base: 0, state: "received" };
  const pace = createJudgingPace();
  const parts = {
    context: {
      clock: () => now,
      pace,
      history: { version: async () => ({ model: "tiny" }) },
      contributions: {
        waiting: async (_model: string, state: string) => (state === "received" ? [row] : []),
        async waitingBytes() {
          now += 250; // what is its own
          return undefined; // refused meanwhile
        },
      },
    },
    setbacks: createSetbacks(),
    trainer: {
      async reference() {
        now += 60_000;
        return null;
      },
    },
  } as unknown as LoopParts;
  const head = { model: "tiny", recipe: tinyRecipe } as unknown as Head;
  const result = await judgeWaiting(parts, head, { again: false, dueMs: 0 });
  expect(result).toEqual({ again: true });
  expect(pace.measured("tiny")).toBe(0.25);
});
