import type { HostBodies } from "../host-bodies.ts";
import type { WasmMemory } from "./memory.ts";
import { AT, MEETING_BYTES, meetingIn, partsOf, type ThreadTask, writeCall } from "./parts-work.ts";

/** How a runtime starts threads of the kernels. */
export type ThreadStarter = {
  /** How many, beside the one that asks. */
  readonly count: number;
  /** Start one that calls `serveParts`; it never keeps the program alive. */
  start(task: ThreadTask): void;
};

const LEAST_COST = 2e6; // multiply-adds: a tenth of a millisecond, five times what calling a thread takes
const PARTS_A_THREAD = 4; // who is held up takes fewer of them
const SPINS = 2000; // looks before a wait, which costs a system call
const SLICE_MS = 1000; // of waiting: a device that sleeps meanwhile loses one slice, however long it sleeps
const SILENT_SLICES = 120; // a part takes seconds at most: a thread that died answers never

/** A thread took a part and never answered. */
class ThreadSilentError extends Error {
  override readonly name = "ThreadSilentError";
}

/**
 * `bodies` whose heavy calls are done by the threads of `starter` together. A value is computed by one thread alone and in one
 * order, so the bytes are the same for any number of threads, also while some have not started yet. Throws an error named
 * "ThreadSilentError" once a thread is silent, and from then on at every call: that thread may still write into the memory.
 */
export function shareBodies(
  bodies: HostBodies,
  memory: WasmMemory,
  { count, start }: ThreadStarter,
): HostBodies {
  const meeting = new SharedArrayBuffer(MEETING_BYTES);
  const place = meetingIn(meeting);
  const { numbers } = place;
  for (let thread = 0; thread < count; thread++) start({ memory, meeting });

  let isSilent = false; // once a thread is, for good
  let isAlone = false; // once a thread has failed: it has no room for what a part needs beside its arrays

  const call = (name: keyof HostBodies, args: readonly unknown[]): boolean => {
    const ready = isAlone ? 0 : Atomics.load(numbers, AT.ready);
    const work = ready === 0 ? null : partsOf(bodies, name, args);
    if (work === null || work.units < 2 || work.cost < LEAST_COST) return false;
    const parts = Math.min(work.units, PARTS_A_THREAD * (ready + 1));
    writeCall(place, name, args);
    for (const [at, value] of [
      [AT.parts, parts],
      [AT.next, 0],
      [AT.done, 0],
      [AT.failed, 0],
      [AT.open, 1],
    ] as const) {
      Atomics.store(numbers, at, value);
    }
    Atomics.add(numbers, AT.call, 1);
    Atomics.notify(numbers, AT.call);
    try {
      for (;;) {
        const part = Atomics.add(numbers, AT.next, 1);
        if (part >= parts) break;
        Atomics.add(numbers, AT.done, 1);
        work.run(part, parts);
      }
    } finally {
      const taken = Math.min(parts, Atomics.exchange(numbers, AT.next, parts));
      isSilent = !comesTo(numbers, AT.done, taken);
      Atomics.store(numbers, AT.open, 0);
      isSilent ||= !comesTo(numbers, AT.inside, 0); // who is late looks at the call no more
    }
    isAlone = Atomics.load(numbers, AT.failed) === 1;
    return !isAlone; // no output is an input, so a call that was done in part is done again
  };

  const shared: Record<string, (...args: unknown[]) => unknown> = {};
  for (const [name, body] of Object.entries(bodies) as [keyof HostBodies, never][]) {
    const alone = body as (...args: unknown[]) => unknown;
    shared[name] = (...args) => {
      if (!isSilent && !call(name, args)) alone(...args);
      if (isSilent) throw new ThreadSilentError("a thread of the processor does not answer");
    };
  }
  return shared as HostBodies; // each takes what the one of that name takes
}

/** Wait until the number at `at` is `wanted`: false if it has not changed for `SILENT_SLICES`. */
function comesTo(numbers: Int32Array, at: number, wanted: number): boolean {
  for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(numbers, at) === wanted) return true;
  let silent = 0;
  for (let value = Atomics.load(numbers, at); value !== wanted; ) {
    const isLate = Atomics.wait(numbers, at, value, SLICE_MS) === "timed-out";
    silent = isLate ? silent + 1 : 0;
    if (silent === SILENT_SLICES) return false;
    value = Atomics.load(numbers, at);
  }
  return true;
}
