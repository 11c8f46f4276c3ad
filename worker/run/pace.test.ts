import { expect, test } from "vitest";
import { createPace } from "./pace.ts";

/** A pace on a clock that the test moves, and the rests that it took. */
function paced() {
  let clock = 0;
  const rests: number[] = [];
  const pace = createPace({
    steadyMs: () => clock,
    async sleep(ms) {
      rests.push(ms);
      clock += ms;
    },
  });
  const work = async (ms: number, signal = new AbortController().signal) => {
    clock += ms;
    await pace.rest(signal, async () => {});
  };
  return { pace, rests, work };
}

test("at full power the device never rests, but lets commands in every 50 ms", async () => {
  const { rests, work } = paced();
  for (let step = 0; step < 10; step++) await work(20);
  expect(rests).toEqual([0, 0, 0]);
});

test.each([
  [0.5, 100],
  [0.25, 300],
  [0.1, 900],
])("at power %d a device that worked 100 ms rests %d ms", async (power, restMs) => {
  const { pace, rests, work } = paced();
  pace.setPower(power);
  await work(100);
  expect(rests[0]).toBeCloseTo(restMs);
});

test("power below a tenth counts as a tenth, above one as one", async () => {
  const { pace, rests, work } = paced();
  pace.setPower(0);
  await work(100);
  pace.setPower(7);
  await work(100);
  expect(rests.map(Math.round)).toEqual([900, 0]);
});

test("a machine that slept for hours does not rest for hours", async () => {
  const { pace, rests, work } = paced();
  pace.setPower(0.5);
  await work(8 * 3_600_000);
  expect(rests).toEqual([10_000]);
});

test("a paused device waits until it may go on, and its pause is no work to rest from", async () => {
  const { pace, rests, work } = paced();
  pace.setPower(0.5);
  pace.pause();
  let done = false;
  const worked = work(10).then(() => {
    done = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toBe(false);
  pace.resume();
  await worked;
  await work(20);
  expect(rests).toEqual([]);
});

test("a paused device that is stopped ends with the signal's reason", async () => {
  const { pace, work } = paced();
  const stop = new AbortController();
  pace.pause();
  const worked = work(1, stop.signal);
  stop.abort();
  await expect(worked).rejects.toMatchObject({ name: "AbortError" });
  await expect(pace.pass(stop.signal)).rejects.toMatchObject({ name: "AbortError" });
});
