import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { registerBackend, removeBackend, setBackend } from "@tensorflow/tfjs-core";
import { calibrateDispatches } from "./dispatch-limit.ts";
import { registerWebGpuOperations } from "./operations.ts";

/** The GPU went away: a driver restart, or the browser took it back. Open a backend anew. */
export class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
}

/** As tfjs asks for them: what the adapter has rather than WebGPU's small defaults. */
const RAISED_LIMITS = [
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupSizeX",
  "maxComputeInvocationsPerWorkgroup",
] as const;

registerWebGpuOperations();

let opened: LossAwareBackend | null = null;

/**
 * Open tfjs's WebGPU backend on a device of `adapter`, a new one if none is open or the open one is lost;
 * null where the browser or tfjs refuses it. Returns the adapter's words. Once the device is lost, every operation and
 * reading throws DeviceLostError until the backend is opened again.
 */
export async function openWebGpu(adapter: GPUAdapter): Promise<string | null> {
  if (opened !== null && !opened.isLost) {
    return (await setBackend("webgpu")) ? describe(adapter.info) : null;
  }
  const device = await requestDevice(adapter);
  if (device === null) return null;
  opened = replaceBackend(device, adapter.info);
  if (!(await setBackend("webgpu"))) return null;
  await calibrateDispatches(opened);
  return describe(adapter.info);
}

/** Resolves when the open device has done what was submitted; submits nothing more. */
export async function drainWebGpu(): Promise<void> {
  await opened?.queue.onSubmittedWorkDone();
}

async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice | null> {
  const requiredLimits: Record<string, number> = {};
  for (const limit of RAISED_LIMITS) requiredLimits[limit] = adapter.limits[limit];
  try {
    return await adapter.requestDevice({ requiredLimits });
  } catch (error) {
    // The browser may withdraw an adapter after repeated losses: the CPU is the answer to that.
    if (error instanceof Error && error.name === "OperationError") return null;
    throw error;
  }
}

function replaceBackend(device: GPUDevice, info: GPUAdapterInfo): LossAwareBackend {
  const backend = new LossAwareBackend(device, info);
  removeBackend("webgpu"); // tfjs's own, which opens a device that it tells nobody about; or the lost one
  registerBackend("webgpu", () => backend);
  return backend;
}

class LossAwareBackend extends WebGPUBackend {
  #lost: DeviceLostError | null = null;
  readonly #loss: Promise<never>;

  constructor(device: GPUDevice, info: GPUAdapterInfo) {
    super(device, info);
    this.#loss = device.lost.then(({ message }) => {
      this.#lost = new DeviceLostError(`the GPU was lost: ${message || "no reason given"}`);
      throw this.#lost;
    });
    this.#loss.catch(() => {}); // nobody may be reading when it happens
  }

  get isLost(): boolean {
    return this.#lost !== null;
  }

  override runWebGPUProgram(
    ...program: Parameters<WebGPUBackend["runWebGPUProgram"]>
  ): ReturnType<WebGPUBackend["runWebGPUProgram"]> {
    if (this.#lost !== null) throw this.#lost;
    return super.runWebGPUProgram(...program);
  }

  override read(...what: Parameters<WebGPUBackend["read"]>): ReturnType<WebGPUBackend["read"]> {
    return Promise.race([super.read(...what), this.#loss]);
  }
}

function describe({ description, device, architecture, vendor }: GPUAdapterInfo): string {
  return description || [vendor, architecture, device].filter(Boolean).join(" ") || "unknown GPU";
}
