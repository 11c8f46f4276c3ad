import type { ShapeName } from "./shapes.ts";

/** Ours. "band" has 0.5% of the entries, all of them in the upper half of the layers. */
export type OursName = "sparse 0.5%" | "sparse 2%" | "sparse band" | "dense 100%";
export type RivalName = "plain tfjs" | "jax-js" | "nanogpt";
/** No training, but one large product a step: what the device does at best. */
export type ProductName = "product, tfjs" | "product, ours";

/** Who runs, as a bench names it. */
export type ContestantName = OursName | RivalName | ProductName;

export function isSparse(name: ContestantName): boolean {
  return name.startsWith("sparse");
}

/** What trains on what: plain data, so that it can be sent to a page or a process. */
export type Entry = {
  readonly contestant: ContestantName;
  readonly shape: ShapeName;
  readonly backend: "webgpu" | "wasm";
  /** Where tfjs finds its wasm binaries: an address or a path, ending in "/". */
  readonly wasmFolder: string;
};

/** A contestant that is ready to train. */
export type Contestant = {
  /** Take `steps` steps and read the last one's mean loss, in nats. */
  run(steps: number): Promise<RunResult>;
  /** Ours alone: from now on one dispatch a product, as on a device that is fast enough for it; call it to undo. */
  readonly unsplit?: () => () => void;
};

export type RunResult = { readonly ms: number; readonly lossNats: number };

/** Milliseconds since any moment. */
export type Clock = () => number;

/** A contestant whose `run` calls `step` for each step, counted from 0, and `readLoss` at its end. */
export function contestantOf(
  clock: Clock,
  step: (step: number) => void,
  readLoss: () => Promise<number>,
): Contestant {
  let taken = 0;
  return {
    async run(steps) {
      const from = clock();
      for (let n = 0; n < steps; n++) step(taken++);
      const lossNats = await readLoss();
      return { ms: clock() - from, lossNats };
    },
  };
}
