import type { HostBodies } from "../host-bodies.ts";
import { CUTS } from "./cuts.ts";
import type { WasmMemory } from "./memory.ts";

/** What a thread is started with. */
export type ThreadTask = {
  readonly memory: WasmMemory;
  /** The place where threads meet: `PLACES` numbers, then the call as text. */
  readonly meeting: SharedArrayBuffer;
};

/** The numbers of a meeting, by place. */
export const AT = {
  /** Threads that serve. */
  ready: 0,
  /** Counts the calls. */
  call: 1,
  /** 1 while the call's parts may be taken. */
  open: 2,
  /** Threads that look at the call. */
  inside: 3,
  parts: 4,
  next: 5,
  done: 6,
  /** Of the call as text. */
  length: 7,
  /** 1 where a thread failed. */
  failed: 8,
} as const;
const PLACES = 16;
const TEXT_BYTES = 2 ** 12; // a call has some 300
export const MEETING_BYTES = 4 * PLACES + TEXT_BYTES;

/** A place where threads meet, as every thread sees it. */
export type Meeting = { readonly numbers: Int32Array; readonly text: Uint8Array };

export function meetingIn(meeting: SharedArrayBuffer): Meeting {
  return {
    numbers: new Int32Array(meeting, 0, PLACES),
    text: new Uint8Array(meeting, 4 * PLACES),
  };
}

/** Leave a call for the threads. */
export function writeCall(
  { numbers, text }: Meeting,
  name: keyof HostBodies,
  args: readonly unknown[],
): void {
  const bytes = new TextEncoder().encode(JSON.stringify(wordsOf(name, args)));
  if (bytes.length > text.length) throw new Error(`internal: a call of ${bytes.length} bytes`);
  text.set(bytes);
  Atomics.store(numbers, AT.length, bytes.length);
}

export function readCall({ numbers, text }: Meeting): CallWords {
  const bytes = text.slice(0, Atomics.load(numbers, AT.length)); // browsers decode no shared bytes
  return JSON.parse(new TextDecoder().decode(bytes)) as CallWords; // as `writeCall` wrote it
}

/** A body's call with addresses in place of arrays. */
export type CallWords = { readonly name: keyof HostBodies; readonly args: readonly unknown[] };

const FLOATS = "f32";
const INTEGERS = "i32";
type Placed = readonly [type: typeof FLOATS | typeof INTEGERS, address: number, length: number];

function wordsOf(name: keyof HostBodies, args: readonly unknown[]): CallWords {
  return {
    name,
    args: args.map((arg): unknown => {
      if (arg instanceof Float32Array) return [FLOATS, arg.byteOffset, arg.length];
      if (arg instanceof Int32Array) return [INTEGERS, arg.byteOffset, arg.length];
      return arg; // null, or sizes by name
    }),
  };
}

export function argumentsOf({ args }: CallWords, memory: WasmMemory): unknown[] {
  const places = args.filter((arg): arg is Placed => Array.isArray(arg));
  const end = Math.max(...places.map(([, address, length]) => address + 4 * length));
  if (end > memory.buffer.byteLength) memory.grow(0); // another thread made it longer: this tells ours
  const { buffer } = memory;
  return args.map((arg) => {
    if (!Array.isArray(arg)) return arg;
    const [type, address, length] = arg as unknown as Placed; // as `wordsOf` made them
    return type === FLOATS
      ? new Float32Array(buffer, address, length)
      : new Int32Array(buffer, address, length);
  });
}

/** How many units a call has, what they cost together, and how one of `parts` equal parts of them is done; null where it has no parts. */
export function partsOf(bodies: HostBodies, name: keyof HostBodies, args: readonly unknown[]) {
  type AnyCut = { units: number; unitCost: number; part(from: number, to: number): unknown[] };
  type AnyCall = (...args: unknown[]) => unknown;
  const cutBy = CUTS[name] as ((...args: unknown[]) => AnyCut) | undefined; // its arguments are the body's
  if (cutBy === undefined) return null;
  const cut = cutBy(...args);
  const body = bodies[name] as AnyCall;
  return {
    units: cut.units,
    cost: cut.units * cut.unitCost,
    run(part: number, parts: number): void {
      const from = Math.floor((cut.units * part) / parts);
      const to = Math.floor((cut.units * (part + 1)) / parts);
      if (to > from) body(...cut.part(from, to));
    },
  };
}
