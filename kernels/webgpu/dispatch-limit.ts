import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { tensor, tidy } from "@tensorflow/tfjs-core";
import { linear } from "../../core/models/operations.ts";
import { type Program, type ProgramCall, runProgram } from "./program.ts";

const MOST_DISPATCH_MS = 50; // longer ones make a screen stutter that the same GPU draws
const LEAST_MEASURED_MS = 10; // shorter ones measure the browser's way to the GPU
const MOST_PRODUCTS = 1024; // a GPU that does them in less needs no limit

// The product that is timed: 256 tiles keep a large GPU busy, and the slowest takes a twentieth of a second.
const ROWS = 512;
const DEPTH = 64;
const COLUMNS = 512;

const limits = new WeakMap<WebGPUBackend, number>();

/** How many multiply-adds one dispatch may do on this backend's device. */
export function mostMultiplyAdds(backend: WebGPUBackend): number {
  return limits.get(backend) ?? Number.POSITIVE_INFINITY;
}

/** As `mostMultiplyAdds` will answer for `backend`. */
export function limitDispatches(backend: WebGPUBackend, multiplyAdds: number): void {
  limits.set(backend, multiplyAdds);
}

/**
 * Record `program` with `groups` workgroups, on a slow device in several dispatches so that none holds up the screen.
 * Its last integer must be `firstGroup`, the group that a dispatch begins with; what a group computes never
 * depends on the dispatch that it is in.
 */
export function runInParts(
  backend: WebGPUBackend,
  program: Program,
  {
    integers = [],
    groups,
    groupCost,
    ...call
  }: ProgramCall & { /** Multiply-adds of one group. */ readonly groupCost: number },
): void {
  const groupsAtOnce = Math.max(1, Math.floor(mostMultiplyAdds(backend) / groupCost));
  for (let first = 0; first < groups; first += groupsAtOnce) {
    runProgram(backend, program, {
      ...call,
      integers: [...integers, first],
      groups: Math.min(groupsAtOnce, groups - first),
    });
  }
}

/** Measure how many multiply-adds the open `backend` does in 50 ms, and limit its dispatches to that. */
export async function calibrateDispatches(backend: WebGPUBackend): Promise<void> {
  await timeProducts(backend, 1); // compiles the program
  for (let products = 1; ; products *= 4) {
    const ms = await timeProducts(backend, products);
    if (ms < LEAST_MEASURED_MS && products < MOST_PRODUCTS) continue;
    const rate = (products * ROWS * DEPTH * COLUMNS) / Math.max(ms, 1);
    limitDispatches(backend, rate * MOST_DISPATCH_MS);
    return;
  }
}

async function timeProducts(backend: WebGPUBackend, products: number): Promise<number> {
  const from = performance.now();
  tidy(() => {
    const x = tensor(new Float32Array(ROWS * DEPTH), [ROWS, DEPTH]);
    const weight = tensor(new Float32Array(DEPTH * COLUMNS), [DEPTH, COLUMNS]);
    for (let made = 0; made < products; made++) {
      tidy(() => void linear(x, weight, null, { orientation: "in-out", relu: false }));
    }
  });
  backend.ensureCommandEncoderReady(); // tfjs submits every so many dispatches by itself
  backend.endComputePassEncoder();
  backend.submitQueue();
  await backend.queue.onSubmittedWorkDone();
  return performance.now() - from;
}
