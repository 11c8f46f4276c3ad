import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";

const software = new WeakSet<WebGPUBackend>();

/**
 * Whether an adapter is a processor that plays a GPU. Its workgroup memory is main memory and its barriers cost
 * much, so it takes other programs; the same ones in every session, because another order of sums is other bytes.
 */
export function isSoftwareAdapter({ isFallbackAdapter, architecture }: GPUAdapterInfo): boolean {
  return isFallbackAdapter || architecture === "swiftshader"; // older browsers have no isFallbackAdapter
}

/** As `isOnSoftware` will answer for `backend`. */
export function setOnSoftware(backend: WebGPUBackend, isSoftware: boolean): void {
  if (isSoftware) software.add(backend);
  else software.delete(backend);
}

/** Whether `backend` takes the programs of a software adapter. */
export function isOnSoftware(backend: WebGPUBackend): boolean {
  return software.has(backend);
}
