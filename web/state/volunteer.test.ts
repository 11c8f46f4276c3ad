import { expect, test } from "vitest";
import { recordEngine } from "../../tests/fixtures/recorded-engine.ts";
import type { RoadPort, Snapshot, SwarmNews } from "../../worker/api.ts";
import { READY } from "../../worker/run/snapshot-feed.ts";
import type { OpenEngine } from "../engine.ts";
import { createPageVolunteer } from "./volunteer.svelte.ts";

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

/** A line to other pages; `turn` makes it metered or not. */
function meteredLine(isMetered: boolean) {
  let hear = () => {};
  const road: RoadPort<SwarmNews> = new MessageChannel().port1;
  return {
    road,
    openRoad: async () => road,
    closeRoad: () => {},
    isMetered: () => isMetered,
    onMetered(listener: () => void) {
      hear = listener;
    },
    turn(value: boolean) {
      isMetered = value;
      hear();
    },
  };
}

/** A page's volunteer over an engine that the test speaks for; `calls` lists the commands that it got. */
function openTab({ storage = sharedStorage(), refusals = 0, line = meteredLine(false) } = {}) {
  const calls: unknown[][] = [];
  let listener: (snapshot: Snapshot) => void = () => {};
  const { api } = recordEngine(calls);
  const openEngine: OpenEngine = async (hear) => {
    if (refusals-- > 0) throw new Error("This browser keeps nothing.");
    listener = hear;
    return api;
  };
  const volunteer = createPageVolunteer({ openEngine, storage, sharing: line });
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

const shares = (calls: readonly unknown[][]) => calls.filter(([name]) => name === "share");

test("X8: nothing is passed on before the volunteer says yes, and nothing after a no", async () => {
  const line = meteredLine(false);
  const { volunteer, calls, tell } = openTab({ line });
  await volunteer.agree("digits");
  tell({ phase: "training" });
  expect(calls.map(([name]) => name)).toEqual(["start"]);
  await volunteer.setSharing(true);
  await volunteer.setSharing(false);
  expect(shares(calls)).toEqual([
    ["share", line.road],
    ["share", null],
  ]);
});

test("X8: a no while the road's files are still on their way ends without a road", async () => {
  let arrive = () => {};
  const files = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const plain = meteredLine(false);
  const line = { ...plain, openRoad: () => files.then(() => plain.road) };
  const { volunteer, calls, tell } = openTab({ line });
  await volunteer.agree("digits");
  tell({ phase: "training" });
  const yes = volunteer.setSharing(true);
  const no = volunteer.setSharing(false);
  arrive();
  await Promise.all([yes, no]);
  expect(shares(calls).at(-1)?.[1] ?? null).toBeNull();
});

test("X8: who said yes at an earlier visit has a road before the work begins, and none once it has ended", async () => {
  const storage = sharedStorage();
  const line = meteredLine(false);
  await openTab({ storage }).volunteer.setSharing(true);
  const { volunteer, calls, tell } = openTab({ storage, line });
  await volunteer.agree("digits");
  expect(calls.map(([name]) => name)).toEqual(["share", "start"]);
  tell({ phase: "training" });
  tell({ phase: "ready" });
  await expect
    .poll(() => shares(calls))
    .toEqual([
      ["share", line.road],
      ["share", null],
    ]);
});

test("X8: on a metered line nothing is passed on, and it is when the line is none any more", async () => {
  const line = meteredLine(true);
  const { volunteer, calls, tell } = openTab({ line });
  await volunteer.setSharing(true);
  await volunteer.agree("digits");
  tell({ phase: "training" });
  expect(shares(calls)).toEqual([]);
  expect(volunteer.metered).toBe(true);
  line.turn(false);
  await expect.poll(() => shares(calls)).toEqual([["share", line.road]]);
  line.turn(true);
  await expect.poll(() => shares(calls).at(-1)).toEqual(["share", null]);
});

test("X8: a road whose files do not come is no reason to fail", async () => {
  const line = { ...meteredLine(false), openRoad: () => Promise.reject(new Error("offline")) };
  const { volunteer, calls } = openTab({ line });
  await volunteer.setSharing(true);
  await volunteer.agree("digits");
  expect(calls.map(([name]) => name)).toEqual(["start"]);
  expect(volunteer.failure).toBe(null);
});

test("X8: forgetting the device takes the yes back", async () => {
  const { volunteer, tell } = openTab();
  await volunteer.agree("digits");
  tell({ phase: "training" });
  await volunteer.setSharing(true);
  await volunteer.forget();
  expect(volunteer.settings.sharing).toBe(false);
});
