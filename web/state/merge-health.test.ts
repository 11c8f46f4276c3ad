import { expect, test } from "vitest";
import type { GateTest, ModelHealth } from "../../core/protocol/schemas/status.ts";
import { judgeHealth } from "./merge-health.ts";

const NOW = 10_000_000;
const gateTest = (decision: GateTest["decision"]): GateTest => ({
  at: NOW,
  head: 3,
  contributions: 4,
  decision,
  tests: [],
  flips: null,
});
const judge = (change: Partial<ModelHealth>) =>
  judgeHealth(
    {
      model: "digits",
      head: 3,
      waiting: { received: 0, scored: 0, queued: 0 },
      oldestSeconds: 0,
      lastMergeAt: NOW - 60_000,
      merged24h: 40,
      refused24h: 2,
      release: null,
      standard: 0,
      onMask24h: null,
      turnedAway: 0,
      scoreSeconds: null,
      swarm: null,
      gateTests: [gateTest("pass")],
      packets: [],
      caught: [],
      paused: false,
      retired: null,
      acts: 0,
      problem: null,
      ...change,
    },
    30,
    NOW,
  );

test("health: a model is healthy while work moves, and while there is none", () => {
  expect(judge({})).toEqual({
    state: "healthy",
    title: "Healthy",
    why: "Nothing waits. Last merge 60 s ago.",
  });
  const waiting = { received: 3, scored: 0, queued: 4 };
  expect(judge({ waiting, oldestSeconds: 100 }).why).toBe(
    "7 contributions wait, the oldest for 2 min. Last merge 60 s ago.",
  );
  expect(judge({ lastMergeAt: null, merged24h: 0 }).why).toMatch(/Nothing was merged yet/);
});

test("health: the relay's own word that it does not merge is the verdict", () => {
  const { title, why } = judge({ problem: "a maintainer paused this model" });
  expect([title, why]).toEqual(["Not merging", "A maintainer paused this model."]);
});

test("health: work that waits longer than four cohorts is slow, and says where it is held up", () => {
  const scoring = judge({ waiting: { received: 9, scored: 0, queued: 1 }, oldestSeconds: 300 });
  expect([scoring.state, scoring.why]).toEqual([
    "slow",
    "Work arrives faster than it is scored. 10 contributions wait, the oldest for 5 min.",
  ]);
  const waiting = { received: 0, scored: 0, queued: 1 };
  const gateTests = [gateTest("undecided"), gateTest("fail"), gateTest("pass")];
  expect(judge({ waiting, oldestSeconds: 300, gateTests }).why).toBe(
    "The last 2 candidates did not pass the gate. 1 contribution waits, the oldest for 5 min.",
  );
});

test("health: a queue that stands without any merge is not merging, even if the relay says nothing", () => {
  const waiting = { received: 2, scored: 0, queued: 0 };
  expect(judge({ waiting, oldestSeconds: 900, lastMergeAt: NOW - 900_000 }).state).toBe("stopped");
  expect(judge({ waiting, oldestSeconds: 900, lastMergeAt: null }).state).toBe("stopped");
  expect(judge({ waiting, oldestSeconds: 900 }).state).toBe("slow"); // others are merged
});

test("health: a gate that nothing passes is slow, and so is a day that refuses more than it merges", () => {
  const gateTests = Array.from({ length: 5 }, () => gateTest("undecided"));
  expect(judge({ gateTests }).why).toBe("The last 5 candidates did not pass the gate.");
  expect(judge({ merged24h: 4, refused24h: 20 }).why).toMatch(/20 against 4 in 24 hours/);
  expect(judge({ merged24h: 0, refused24h: 2 }).state).toBe("healthy"); // too few to tell
});
