import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { registerBackend, removeBackend, setBackend } from "@tensorflow/tfjs-core";
import { calibrateDispatches } from "./dispatch-limit.ts";
import { registerWebGpuOperations } from "./operations.ts";
import { isSoftwareAdapter, setOnSoftware } from "./software.ts";

/** The GPU went away: a driver restart, or the browser took it back. Open a backend anew. */
export class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
}

/** The GPU has no room for what training needs. */
export class DeviceMemoryError extends Error {
  override readonly name = "DeviceMemoryError";
}

/** The GPU refused a command, so nothing that it computed since can be trusted: our bug, or the driver's. */
export class DeviceFaultError extends Error {
  override readonly name = "DeviceFaultError";
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

let opened: GuardedBackend | null = null;

/** The open device, as OpenBackend has it. */
export type WebGpuDevice = {
  readonly device: string;
  readonly fingerprint: string;
  readonly maxTensorBytes: number;
};

/**
 * Open tfjs's WebGPU backend on a device of `adapter`, a new one if none is open or the open one failed;
 * null where the browser or tfjs refuses it. Once a device has failed, every operation and reading throws
 * DeviceLostError, DeviceMemoryError or DeviceFaultError until the backend is opened again.
 */
export async function openWebGpu(adapter: GPUAdapter): Promise<WebGpuDevice | null> {
  if (opened === null || opened.hasFailed) {
    const device = await requestDevice(adapter);
    if (device === null) return null;
    opened = replaceBackend(device, adapter.info);
    if (!(await setBackend("webgpu"))) return null;
    await calibrateDispatches(opened); // by a GPU's product, against which the cost of all programs is counted
    setOnSoftware(opened, isSoftwareAdapter(adapter.info));
  } else if (!(await setBackend("webgpu"))) {
    return null;
  }
  const { maxBufferSize, maxStorageBufferBindingSize } = opened.device.limits;
  const maxTensorBytes = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  return { device: describe(adapter.info), fingerprint: fingerprintOf(adapter), maxTensorBytes };
}

/** A new driver seldom changes its name, but often a limit or a feature. */
function fingerprintOf({ info, limits, features }: GPUAdapter): string {
  const { vendor, architecture, device, description } = info;
  const { userAgent } = navigator;
  const found: Record<string, unknown> = {};
  for (const name in limits) found[name] = limits[name as keyof GPUSupportedLimits];
  const names = [...features].sort();
  return JSON.stringify([vendor, architecture, device, description, userAgent, found, names]);
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

function replaceBackend(device: GPUDevice, info: GPUAdapterInfo): GuardedBackend {
  const backend = new GuardedBackend(device, info);
  removeBackend("webgpu"); // tfjs's own, which opens a device that it tells nobody about; or the lost one
  registerBackend("webgpu", () => backend);
  return backend;
}

type Failure = DeviceLostError | DeviceMemoryError | DeviceFaultError;

/** tfjs's backend, which would go on with zeros and garbage after its device has failed. */
class GuardedBackend extends WebGPUBackend {
  #failure: Failure | null = null;
  readonly #failed = Promise.withResolvers<never>();

  constructor(device: GPUDevice, info: GPUAdapterInfo) {
    super(device, info);
    this.#failed.promise.catch(() => {}); // nobody may be reading when it happens
    void device.lost.then(({ message }) => {
      this.#fail(new DeviceLostError(`the GPU was lost: ${message || "no reason given"}`));
    });
    device.addEventListener("uncapturederror", ({ error }) => {
      const isMemory = error instanceof GPUOutOfMemoryError;
      this.#fail(new (isMemory ? DeviceMemoryError : DeviceFaultError)(error.message));
    });
  }

  #fail(failure: Failure): void {
    this.#failure ??= failure;
    this.#failed.reject(this.#failure);
  }

  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  override runWebGPUProgram(
    ...program: Parameters<WebGPUBackend["runWebGPUProgram"]>
  ): ReturnType<WebGPUBackend["runWebGPUProgram"]> {
    if (this.#failure !== null) throw this.#failure;
    return super.runWebGPUProgram(...program);
  }

  override uploadToGPU(dataId: Parameters<WebGPUBackend["uploadToGPU"]>[0]): void {
    try {
      super.uploadToGPU(dataId);
    } catch (error) {
      // what the browser throws where it has no memory to map
      if (error instanceof RangeError) this.#fail(new DeviceMemoryError(error.message));
      throw this.#failure ?? error;
    }
  }

  override async read(
    ...what: Parameters<WebGPUBackend["read"]>
  ): ReturnType<WebGPUBackend["read"]> {
    const values = await Promise.race([super.read(...what), this.#failed.promise]);
    if (this.#failure !== null) throw this.#failure;
    return values;
  }
}

function describe({ description, device, architecture, vendor }: GPUAdapterInfo): string {
  return description || [vendor, architecture, device].filter(Boolean).join(" ") || "unknown GPU";
}
