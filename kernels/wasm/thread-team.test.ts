import { beforeAll, expect, test, vi } from "vitest";
import { nodeThreads } from "../../relay-server/threads/kernel-threads.ts";
import { randomTokens, randomValues } from "../../tests/reference/finite-differences.ts";
import type { HostBodies } from "../host-bodies.ts";
import { CUTS } from "./cuts.ts";
import type { Heap } from "./heap.ts";
import { openWasmMemory, wasmEngine } from "./memory.ts";
import { openSimd } from "./open-simd.ts";
import { AT, meetingIn } from "./parts-work.ts";
import { shareBodies } from "./thread-team.ts";

let alone: HostBodies;
let shared: HostBodies;
let heap: Heap;

beforeAll(async () => {
  const memory = openWasmMemory(wasmEngine()!, { shared: true })!;
  const simd = openSimd(memory, { shared: true })!;
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
  await vi.waitFor(
    () => {
      for (const meeting of meetings) expect(meetingIn(meeting).numbers[AT.ready]).toBe(2);
    },
    { timeout: 60_000 },
  );
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
