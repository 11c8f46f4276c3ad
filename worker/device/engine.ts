import type { Architecture } from "../../core/protocol/schemas/recipe.ts";
import type { Layout } from "../../core/tensors/layout.ts";
import type { evaluate } from "../../core/training/evaluate.ts";
import type { largestTensor } from "../../core/training/footprint.ts";
import type { preparePieceMask } from "../../core/training/own-mask.ts";
import type { TrainingOptions, TrainingResult, TrainingTask } from "../../core/training/train.ts";
import type { ThreadStarter } from "../../kernels/wasm/thread-team.ts";
import type { EngineName } from "../api.ts";
import { createTurns, type TurnOptions } from "../run/turns.ts";
import { WEBGPU_MISSING } from "../run/words.ts";

/** What trains: nothing of it is loaded, and no device is touched, before `open`. */
export type Engine = {
  /**
   * Also opens anew after a device was lost; the engine that was open before is then dead. Checks nothing.
   * An opening or check whose run was stopped goes on, and the next opening waits for its end.
   */
  open(prefer: "webgpu" | "cpu", options?: TurnOptions): Promise<RunningEngine>;
};

export type RunningEngine = {
  readonly name: EngineName;
  /** The device in its own words, such as "swiftshader". */
  readonly device: string;
  /** Why not WebGPU, as a plain sentence, where that was preferred; else null. */
  readonly fallback: string | null;
  /** Null where none is needed: on a processor. */
  readonly selfCheck: {
    /** All that a passed check holds for: device, browser and build; null if that can't be told. */
    readonly fingerprint: string | null;
    /** Check every operation, if the signal of the opening is not aborted yet; resolves to what is wrong, or null. */
    run(): Promise<string | null>;
  } | null;
  /** The most bytes that one tensor may have. */
  readonly maxTensorBytes: number;
  /** The largest tensor of a training, as core/training has it. */
  largestTensor: typeof largestTensor;
  /** Resolves when the device has done all that was submitted to it. */
  drain(): Promise<void>;
  layoutOf(architecture: Architecture): Layout;
  /*
   * As core/training has them. Each throws an error named "DeviceLostError" if the device went away, or "DeviceWrongError"
   * if it was seen to compute wrong answers.
   */
  preparePieceMask: typeof preparePieceMask;
  evaluate: typeof evaluate;
  train(task: TrainingTask, options: TrainingOptions): Promise<TrainingResult>;
};

/**
 * The engine in kernels and core/training; on the CPU `threads` share the work. A GPU that is
 * missing leaves the work to the CPU. `build` names the code that runs, null where nothing tells it.
 */
export function createEngine({
  build = null,
  threads = null,
}: {
  readonly build?: string | null;
  readonly threads?: ThreadStarter | null;
} = {}): Engine {
  // tfjs has one backend for all, which is half set while it opens: whatever computes then goes astray
  const takeTurn = createTurns();
  return {
    async open(prefer, options = {}) {
      const [
        { openBackend },
        { layoutOf },
        { trainDelta },
        { largestTensor },
        { preparePieceMask },
        { watchTraining, watchWork },
        { evaluate },
      ] = await Promise.all([
        import("../../kernels/backend.ts"),
        import("../../core/models/registry.ts"),
        import("../../core/training/train.ts"),
        import("../../core/training/footprint.ts"),
        import("../../core/training/own-mask.ts"),
        import("./watched-device.ts"),
        import("../../core/training/evaluate.ts"),
      ]);
      const backend = await takeTurn(() => openBackend({ prefer, threads }), options);
      const { fingerprint } = backend;
      const built = build === null ? null : `${build} ${fingerprint}`;
      const check = () => takeTurn(faultOfDevice, { signal: options.signal });
      const isTrusted = fingerprint === null; // a processor
      return {
        ...backend,
        fallback: prefer === "webgpu" && backend.name !== "webgpu" ? WEBGPU_MISSING : null,
        selfCheck: isTrusted ? null : { fingerprint: built, run: check },
        layoutOf,
        largestTensor,
        preparePieceMask: isTrusted ? preparePieceMask : watchWork(preparePieceMask),
        evaluate: isTrusted ? evaluate : watchWork(evaluate),
        train: isTrusted ? trainDelta : watchTraining(trainDelta),
      };
    },
  };
}

/** What the open device computes wrong; null if nothing. */
async function faultOfDevice(): Promise<string | null> {
  const { checkDevice } = await import("../../kernels/self-check.ts");
  try {
    const check = await checkDevice();
    return check.ok ? null : `${check.op}: ${check.message}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error); // a driver that fails outright
  }
}
