import type { Architecture } from "../core/protocol/schemas/recipe.ts";
import type { Layout } from "../core/tensors/layout.ts";
import type { TrainingOptions, TrainingResult, TrainingTask } from "../core/training/train.ts";
import type { EngineName } from "./api.ts";

/** What trains: nothing of it is loaded, and no device is touched, before `open`. */
export type Engine = {
  /** Also opens anew after a device was lost; the engine that was open before is then dead. */
  open(prefer: "webgpu" | "cpu"): Promise<OpenEngine>;
};

export type OpenEngine = {
  readonly name: EngineName;
  /** The device in its own words, such as "swiftshader". */
  readonly device: string;
  layoutOf(architecture: Architecture): Layout;
  /** As core/training has it. Throws an error named "DeviceLostError" if the device went away. */
  train(task: TrainingTask, options: TrainingOptions): Promise<TrainingResult>;
};

/** The engine in kernels and core/training; `wasmFolder` is where tfjs's wasm binaries are. */
export function createEngine(wasmFolder: string): Engine {
  return {
    async open(prefer) {
      const [{ openBackend }, { layoutOf }, { trainDelta }] = await Promise.all([
        import("../kernels/backend.ts"),
        import("../core/models/registry.ts"),
        import("../core/training/train.ts"),
      ]);
      const { name, device } = await openBackend({ prefer, wasmFolder });
      return { name, device, layoutOf, train: trainDelta };
    },
  };
}
