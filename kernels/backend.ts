import type { ThreadStarter } from "./wasm/thread-team.ts";

/** A backend that is open: everything in core/training runs on it until another is opened. */
export type OpenBackend = {
  readonly name: "webgpu" | "wasm" | "cpu";
  /** The device in its own words, such as "swiftshader" or "wasm simd". */
  readonly device: string;
  /** All that a page can see of device, driver and browser; null on the processor, which needs no check. */
  readonly fingerprint: string | null;
  /** The most bytes that one tensor may have. */
  readonly maxTensorBytes: number;
  /** Resolves when the device has done all that was submitted to it. */
  drain(): Promise<void>;
};

/**
 * Open the backend that training runs on: WebGPU where it is preferred and an adapter exists, else the
 * CPU, whose heavy operations `threads` share. Only the chosen one's code is loaded, and only now.
 */
export async function openBackend({
  prefer,
  threads = null,
}: {
  readonly prefer: "webgpu" | "cpu";
  readonly threads?: ThreadStarter | null;
}): Promise<OpenBackend> {
  if (prefer === "webgpu") {
    const adapter = await requestAdapter();
    if (adapter !== null) {
      const { openWebGpu, drainWebGpu } = await import("./webgpu/backend.ts");
      const opened = await openWebGpu(adapter);
      if (opened !== null) return { name: "webgpu", ...opened, drain: drainWebGpu };
    }
  }
  const { openWasm } = await import("./wasm/backend.ts");
  const wasm = await openWasm(threads);
  const processor = { fingerprint: null, drain: async () => {} }; // it is done when the call returns
  if (wasm !== null) return { name: "wasm", ...wasm, ...processor };
  const { openCpu } = await import("./cpu/backend.ts");
  const maxTensorBytes = Number.MAX_SAFE_INTEGER;
  return { name: "cpu", device: await openCpu(), maxTensorBytes, ...processor };
}

const ADAPTER_MS = 10_000; // a driver that answers at all does so within two seconds

/** Null where the runtime has no WebGPU or no adapter for it, or gives no answer. */
async function requestAdapter(): Promise<GPUAdapter | null> {
  const gpu = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu; // absent in Node and on insecure pages
  if (gpu === undefined) return null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ADAPTER_MS);
  });
  const adapter = gpu.requestAdapter({ powerPreference: "high-performance" });
  return Promise.race([adapter, silence]).finally(() => clearTimeout(timer));
}
