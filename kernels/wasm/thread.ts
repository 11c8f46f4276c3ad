import type { HostBodies } from "../host-bodies.ts";
import { wasmEngine } from "./memory.ts";
import { openSimd } from "./open-simd.ts";
import {
  AT,
  argumentsOf,
  type Meeting,
  meetingIn,
  partsOf,
  readCall,
  type ThreadTask,
} from "./parts-work.ts";

/** A thread's whole life: it takes parts of calls, and waits in between without a message loop until its program ends. */
export function serveParts({ memory, meeting }: ThreadTask): void {
  const engine = wasmEngine();
  const bodies = engine === null ? undefined : openSimd(engine, memory, { shared: true })?.bodies;
  if (bodies === undefined) return; // as the one who starts threads found out already
  const place = meetingIn(meeting);
  const { numbers } = place;
  let seen = Atomics.load(numbers, AT.call);
  Atomics.add(numbers, AT.ready, 1);
  for (;;) {
    Atomics.wait(numbers, AT.call, seen);
    seen = Atomics.load(numbers, AT.call);
    Atomics.add(numbers, AT.inside, 1); // from here on the call stays what it is
    if (Atomics.load(numbers, AT.open) === 1) takeParts(place, bodies, memory);
    if (Atomics.sub(numbers, AT.inside, 1) === 1) Atomics.notify(numbers, AT.inside);
  }
}

function takeParts(place: Meeting, bodies: HostBodies, memory: ThreadTask["memory"]): void {
  const { numbers } = place;
  const parts = Atomics.load(numbers, AT.parts);
  let part = Atomics.add(numbers, AT.next, 1);
  if (part >= parts) return;
  const call = readCall(place);
  for (; part < parts; part = Atomics.add(numbers, AT.next, 1)) {
    try {
      partsOf(bodies, call.name, argumentsOf(call, memory))?.run(part, parts);
    } catch (error) {
      Atomics.store(numbers, AT.failed, 1);
      console.error("a thread of the processor:", error); // nobody hears a message from here
    }
    Atomics.add(numbers, AT.done, 1);
    Atomics.notify(numbers, AT.done);
  }
}
