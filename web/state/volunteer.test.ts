import { expect, test } from "vitest";
import { recordEngine } from "../../tests/fixtures/recorded-engine.ts";
import type { Snapshot } from "../../worker/api.ts";
import { READY } from "../../worker/run/snapshot-feed.ts";
import type { OpenEngine } from "../engine.ts";
import { createVolunteer } from "./volunteer.svelte.ts";

/** A storage that the tabs of a test share. */
function sharedStorage(isFull = false): Pick<Storage, "getItem" | "setItem"> {
  const memory = new Map<string, string>();
  return {
    getItem: (key) => memory.get(key) ?? null,
    setItem(key, value) {
      if (isFull) throw new Error("QuotaExceededError");
      memory.set(key, value);
    },
  };
}

/** A page's volunteer over an engine that the test speaks for; `calls` lists the commands that it got. */
function openTab({ storage = sharedStorage(), refusals = 0 } = {}) {
  const calls: unknown[][] = [];
  let listener: (snapshot: Snapshot) => void = () => {};
  const { api } = recordEngine(calls);
  const openEngine: OpenEngine = async (hear) => {
    if (refusals-- > 0) throw new Error("This browser keeps nothing.");
    listener = hear;
    return api;
  };
  const volunteer = createVolunteer({ openEngine, storage });
  const tell = (change: Partial<Snapshot>) => listener({ ...READY, model: "digits", ...change });
  return { volunteer, calls, tell };
}

test("what one tab forgets another does not bring back, and asks for consent again", async () => {
  const storage = sharedStorage();
  const one = openTab({ storage });
  await one.volunteer.agree("digits");
  const other = openTab({ storage });
  expect(other.volunteer.consented).toBe(true);
  await other.volunteer.forget();
  await one.volunteer.setPower(0.5);
  expect(one.volunteer.consented).toBe(false);
  expect(openTab({ storage }).volunteer.settings).toMatchObject({ consent: null, power: 0.5 });

  await other.volunteer.agree("digits");
  await one.volunteer.forget();
  await other.volunteer.press("digits");
  expect(other.volunteer.asking).toBe(true);
  expect(other.calls.filter(([name]) => name === "start")).toHaveLength(1);
});

test("where nothing can be stored, a choice holds for the visit", async () => {
  const { volunteer, calls } = openTab({ storage: sharedStorage(true) });
  await volunteer.setPower(0.5);
  await volunteer.agree("digits");
  await volunteer.setPrefer("cpu");
  await volunteer.press("digits");
  expect(calls.at(-1)).toEqual(["start", { model: "digits", prefer: "cpu", power: 0.5 }]);
});

test.each<[string, Partial<Snapshot>, string[]]>([
  ["while it trains, begins again", { phase: "training" }, ["stop", "start"]],
  ["while paused, stays paused", { phase: "paused" }, ["stop", "start", "pause"]],
  [
    "while finishing, goes on to",
    { phase: "offline", finishing: true },
    ["stop", "start", "finish"],
  ],
  ["at rest, starts nothing", { phase: "ready" }, []],
  ["after an error or a ban, starts nothing", { phase: "stopped", reason: "Banned." }, []],
])("another device chosen %s", async (_, change, commands) => {
  const { volunteer, calls, tell } = openTab();
  await volunteer.agree("digits");
  tell(change);
  calls.length = 0;
  await volunteer.setPrefer("cpu");
  expect(calls.map(([name]) => name)).toEqual(commands);
  expect(volunteer.settings.prefer).toBe("cpu");
});

test("an engine that could not be opened is opened anew at the next start", async () => {
  const { volunteer, calls } = openTab({ refusals: 1 });
  await volunteer.agree("digits");
  expect(volunteer).toMatchObject({ failure: "This browser keeps nothing.", starting: false });
  expect(calls).toEqual([]);
  await volunteer.press("digits");
  expect(volunteer.failure).toBeNull();
  expect(calls.map(([name]) => name)).toEqual(["start"]);
});
