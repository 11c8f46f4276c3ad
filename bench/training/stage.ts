import { engine } from "@tensorflow/tfjs-core";
import type { Clock, Contestant, Entry, RunResult } from "./contestant.ts";
import { countDevice } from "./device-counters.ts";
import { openContestant } from "./open.ts";

/** A step that was watched: what it asks of the device, and of memory. */
export type Inspection = RunResult & {
  /** Null where there is no WebGPU. */
  readonly dispatches: number | null;
  /** The most bytes of all tfjs tensors that were alive at once; 0 for who uses none. */
  readonly peakTensorBytes: number;
  /** The most bytes of all WebGPU buffers, spare ones too; null where there is no WebGPU. */
  readonly peakBufferBytes: number | null;
};

/** The inside of a page or process in which one contestant trains. */
export type Stage = {
  open(entry: Entry): Promise<void>;
  run(steps: number): Promise<RunResult>;
  inspect(): Promise<Inspection>;
};

export function createStage(clock: Clock): Stage {
  const counters = countDevice();
  let contestant: Contestant | null = null;
  const opened = () => {
    if (contestant === null) throw new Error("nobody was opened");
    return contestant;
  };
  return {
    async open(entry) {
      contestant = await openContestant(entry, clock);
    },
    run: (steps) => opened().run(steps),
    async inspect() {
      const undo = opened().unsplit?.();
      const stopWatching = watchTensorBytes();
      counters?.takeDispatches();
      const result = await opened().run(1);
      undo?.();
      return {
        ...result,
        dispatches: counters?.takeDispatches() ?? null,
        peakTensorBytes: stopWatching(),
        peakBufferBytes: counters?.takePeakBufferBytes() ?? null,
      };
    },
  };
}

/** From now until the returned function is called, which tells the most bytes that tfjs's engine counted. */
export function watchTensorBytes(): () => number {
  const { state } = engine();
  let bytes = state.numBytes;
  let peak = bytes;
  Object.defineProperty(state, "numBytes", {
    configurable: true,
    get: () => bytes,
    set(value: number) {
      bytes = value;
      peak = Math.max(peak, value);
    },
  });
  return () => {
    Object.defineProperty(state, "numBytes", { configurable: true, writable: true, value: bytes });
    return peak;
  };
}
