import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { nodeThreads } from "../../relay-server/threads/kernel-threads.ts";
import { eventually } from "../../tests/fixtures/eventually.ts";
import { randomTokens, randomValues } from "../../tests/reference/finite-differences.ts";
import type { HostBodies } from "../host-bodies.ts";
import { CUTS } from "./cuts.ts";
import type { Heap } from "./heap.ts";
import { openWasmMemory, type WasmMemory, wasmEngine } from "./memory.ts";
import { openSimd } from "./open-simd.ts";
import { AT, type Meeting, meetingIn } from "./parts-work.ts";
import { shareBodies } from "./thread-team.ts";

let alone: HostBodies;
let shared: HostBodies;
let heap: Heap;
let memory: WasmMemory;

afterEach(() => {
  vi.restoreAllMocks();
});

beforeAll(async () => {
  const engine = wasmEngine()!;
  memory = openWasmMemory(engine, { shared: true })!.memory;
  const simd = openSimd(engine, memory, { shared: true })!;
  alone = simd.bodies;
  heap = simd.heap;
  const meetings: SharedArrayBuffer[] = [];
  const { start } = nodeThreads();
  const starter = {
    count: 2,
    start(task: Parameters<typeof start>[0]) {
      meetings.push(task.meeting);
      start(task);
    },
  };
  shared = shareBodies(alone, memory, starter);
  await eventually(() => {
    for (const meeting of meetings) expect(meetingIn(meeting).numbers[AT.ready]).toBe(2);
  });
}, 60_000);

const place = (values: ArrayLike<number>) => {
  const at = heap.allocate(4 * values.length); // the buffer may be another one then
  const array = new Float32Array(heap.memory.buffer, at, values.length);
  array.set(values);
  return array;
};
const random = (name: string, length: number) => place(randomValues(name, length, 2));
const blank = (length: number) => place(new Float32Array(length));

/** No size is a multiple of a vector, a unit or the number of threads; each call is long enough to be shared. */
const [R, I, O] = [131, 203, 157];
const [T, H, K, D] = [45, 6, 2, 18];
const W = (H + 2 * K) * D;
const CASES: Record<string, () => Parameters<HostBodies[keyof HostBodies]>> = {
  linear: () => [
    blank(R * O),
    random("x", R * I),
    random("weight", I * O),
    random("bias", O),
    random("residual", R * O),
    { R, I, O, orientation: "out-in", relu: true },
  ],
  linearInputGradient: () => [
    blank(R * I),
    random("dy", R * O),
    random("weight", I * O),
    random("x", R * I),
    random("past", R * I),
    { R, I, O, orientation: "in-out" },
  ],
  norm: () => [
    blank(1031 * 131),
    random("x", 1031 * 131),
    random("weight", 131),
    random("bias", 131),
    { norm: "layer", epsilon: 1e-5 },
  ],
  normInputGradient: () => [
    blank(1031 * 131),
    random("dy", 1031 * 131),
    random("x", 1031 * 131),
    random("weight", 131),
    random("residual", 1031 * 131),
    { norm: "rms", epsilon: 1e-5 },
  ],
  attention: () => [
    blank(5 * T * H * D),
    blank(5 * T * H),
    random("qkv", 5 * T * W),
    { R: 5 * T, T, H, K, D, causal: true },
  ],
  attentionGradient: () => [
    blank(5 * T * W),
    random("dy", 5 * T * H * D),
    random("qkv", 5 * T * W),
    random("mixed", 5 * T * H * D),
    random("logSums", 5 * T * H),
    { R: 5 * T, T, H, K, D, causal: true },
  ],
  crossEntropy: () => [
    blank(R),
    blank(R * 1001),
    random("logits", R * 1001),
    targets(1001),
    random("weights", R),
  ],
  scoreLogits: () => [blank(R), blank(R), random("logits", R * 1001), targets(1001)],
  gelu: () => [blank(100_003), random("x", 100_003), { form: "tanh" }],
  geluInputGradient: () => [
    blank(100_003),
    random("dy", 100_003),
    random("x", 100_003),
    { form: "exact" },
  ],
  swiglu: () => [blank(100_003), random("gate", 100_003), random("up", 100_003)],
  swigluGradient: () => [
    blank(100_003),
    blank(100_003),
    random("dy", 100_003),
    random("gate", 100_003),
    random("up", 100_003),
  ],
};

function targets(classes: number): Int32Array {
  const at = heap.allocate(4 * R);
  const array = new Int32Array(heap.memory.buffer, at, R);
  array.set(randomTokens("targets", R, classes));
  return array;
}

test.each(Object.keys(CUTS) as (keyof HostBodies)[])(
  "%s gives the same bytes by three threads as by one, again and again",
  (name) => {
    const run = (bodies: HostBodies) => {
      const args = CASES[name]!();
      (bodies[name] as (...args: unknown[]) => void)(...args);
      const outputs = args.filter((arg) => arg instanceof Float32Array).map((arg) => arg.slice());
      for (const arg of args) if (ArrayBuffer.isView(arg)) heap.free(arg.byteOffset);
      return outputs;
    };
    const wanted = run(alone);
    for (let time = 0; time < 5; time++) expect(run(shared)).toEqual(wanted);
  },
);

test("a call that fails fails as a whole, and the next one is done", () => {
  const [y, x] = CASES.gelu!() as Parameters<HostBodies["gelu"]>;
  const noKind = null as never; // no thread can do its part
  expect(() => shared.gelu(y, x, noKind)).toThrow();
  const wanted = blank(y.length);
  alone.gelu(wanted, x, { form: "tanh" });
  shared.gelu(y, x, { form: "tanh" });
  expect(y).toEqual(wanted);
});

/** Bodies shared with a thread that takes the first part of each call, and `onWait`, which may do it, in place of each wait. */
function withSlowThread(onWait: (place: Meeting) => void) {
  let place: Meeting | undefined;
  const start = (task: { meeting: SharedArrayBuffer }) => {
    place = meetingIn(task.meeting);
    place.numbers[AT.ready] = 1;
  };
  const bodies = shareBodies(alone, memory, { count: 1, start });
  const { numbers } = place!;
  vi.spyOn(Atomics, "notify").mockImplementation(() => Atomics.add(numbers, AT.next, 1));
  vi.spyOn(Atomics, "wait").mockImplementation(() => {
    onWait(place!);
    return "timed-out"; // as after a device's sleep, however short the wait was
  });
  return { bodies, numbers };
}

test("a thread that answers after the device has slept is waited for", () => {
  const [y, x, kind] = CASES.gelu!() as Parameters<HostBodies["gelu"]>;
  const wanted = blank(y.length);
  alone.gelu(wanted, x, kind);
  let waits = 0;
  const { bodies } = withSlowThread(({ numbers }) => {
    if (++waits < 3) return;
    alone.gelu(y, x, kind); // its part among them
    Atomics.add(numbers, AT.done, 1);
  });
  bodies.gelu(y, x, kind);
  expect(waits).toBe(3);
  expect(y).toEqual(wanted);
});

test("a call of which a thread fails a part is done again alone, as are those after it", () => {
  const [y, x, kind] = CASES.gelu!() as Parameters<HostBodies["gelu"]>;
  const wanted = blank(y.length);
  alone.gelu(wanted, x, kind);
  const { bodies, numbers } = withSlowThread(({ numbers }) => {
    Atomics.store(numbers, AT.failed, 1);
    Atomics.add(numbers, AT.done, 1);
  });
  for (let time = 0; time < 2; time++) {
    bodies.gelu(y.fill(0), x, kind);
    expect(y).toEqual(wanted);
  }
  expect(numbers[AT.call]).toBe(1);
});

test("after a thread has taken a part and fallen silent, nothing is done in its memory any more", () => {
  const { bodies, numbers } = withSlowThread(() => {});
  const silent = expect.objectContaining({ name: "ThreadSilentError" });
  const long = CASES.gelu!() as Parameters<HostBodies["gelu"]>;
  expect(() => bodies.gelu(...long)).toThrow(silent);
  const left = numbers.slice();
  expect(left[AT.open]).toBe(0);
  const short: typeof long = [blank(8), random("x", 8), { form: "tanh" }];
  for (const call of [long, short]) expect(() => bodies.gelu(...call)).toThrow(silent);
  expect(numbers).toEqual(left); // the silent thread's call stays what it was
  expect(short[0]).toEqual(new Float32Array(8));
});
