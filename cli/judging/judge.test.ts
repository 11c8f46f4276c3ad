import { expect, test } from "vitest";
import { generateKeyPair } from "../../core/crypto/signature.ts";
import { RelayError } from "../../core/protocol/relay-error.ts";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { judgeOnce } from "./judge.ts";

const HASH = "00".repeat(32);
const job = {
  id: "1".padStart(32, "0"),
  model: "tiny",
  architecture: tinyRecipe.architecture,
  base: { number: 0, checkpoint: HASH },
  work: {
    kind: "evaluate",
    step: null,
    examples: { sha256: HASH, count: 1, answers: 1 },
  },
} as const;

test("J3: a judge whose network asks too much waits and goes on with its job, instead of asking for another", async () => {
  const asked: string[] = [];
  const busy = async () => {
    throw new RelayError("rate-limited", "retry", "too many requests", 0);
  };
  const secondTime = <T>(name: string, answer: T) => {
    asked.push(name);
    return asked.filter((one) => one === name).length === 1 ? busy() : Promise.resolve(answer);
  };
  const client = {
    job: async () => {
      asked.push("job");
      return { job, retryAfterSeconds: 20 };
    },
    jobInput: () => secondTime("file", Uint8Array.of(1)),
    putJudgement: () => secondTime("answer", { id: job.id }),
  };
  const keys = await generateKeyPair(true);
  const { signal } = new AbortController();
  const pause = await judgeOnce(client, keys, (_, { input }) => input(HASH), signal);
  expect(pause).toBeNull();
  expect(asked).toEqual(["job", "file", "file", "answer", "answer"]);
});
