import { expect, test } from "vitest";
import { createReadingPace } from "./reading-pace.ts";

/** A pace on a clock that moves `stepMs` a step; reads `readings` times and says how many steps each had. */
async function readings(count: number, stepMs: number, restMs = 0) {
  let clock = 0;
  const pace = createReadingPace(() => clock);
  const steps: number[] = [];
  const snapshotsAt: number[] = [];
  let workedMs = 0;
  for (let reading = 0; reading < count; reading++) {
    const sent = pace.begin(1_000);
    steps.push(sent);
    clock += sent * stepMs;
    workedMs += sent * stepMs;
    await pace.exclude(() => {
      clock += restMs;
    });
    pace.end();
    if (pace.isSnapshotDue()) snapshotsAt.push(workedMs);
  }
  return { steps, snapshotsAt };
}

test("a fast device is read every ten steps, once its speed is known", async () => {
  expect((await readings(4, 2)).steps).toEqual([1, 10, 10, 10]);
});

test("a slow device has no more steps in flight than it does in 100 ms", async () => {
  expect((await readings(4, 30)).steps).toEqual([1, 3, 3, 3]);
  expect((await readings(4, 700)).steps).toEqual([1, 1, 1, 1]);
});

test("rests between the steps do not make a device slow", async () => {
  expect((await readings(3, 2, 5_000)).steps).toEqual([1, 10, 10]);
});

test("the last steps are as many as are left, and without a clock there are ten", () => {
  const pace = createReadingPace(undefined);
  expect(pace.begin(25)).toBe(10);
  pace.end();
  expect(pace.begin(5)).toBe(5);
});

test.each([2, 30, 700, 3_000, 9_000])(
  "at %d ms a step no more than five seconds, or one step, lie between two snapshots",
  async (stepMs) => {
    const { snapshotsAt } = await readings(400, stepMs);
    const most = Math.max(5_000, stepMs);
    let before = 0;
    for (const at of snapshotsAt) {
      expect(at - before).toBeLessThanOrEqual(most);
      expect(at - before).toBeGreaterThanOrEqual(Math.min(most - 2 * Math.max(100, stepMs), most));
      before = at;
    }
    expect(snapshotsAt.length).toBeGreaterThan(0);
  },
);
