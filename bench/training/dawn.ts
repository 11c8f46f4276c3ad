import { create, globals } from "webgpu";

/** Give Node a `navigator.gpu`: Dawn, from the package `webgpu`. */
export async function installDawn(): Promise<GPU> {
  Object.assign(globalThis, globals);
  const gpu = create([]);
  Object.defineProperty(globalThis.navigator, "gpu", { value: gpu, configurable: true });
  return gpu;
}

/** `name` is the driver's; a software one computes on the processor. */
export type Gpu = { readonly name: string; readonly isSoftware: boolean };

/** The GPU that Dawn finds; null where there is none but a software one, unless BENCH_SOFTWARE_GPU=1 asks for that. */
export async function findGpu(): Promise<Gpu | null> {
  const adapter = await create([]).requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) return null;
  const { description, vendor, architecture, isFallbackAdapter } = adapter.info;
  if (isFallbackAdapter && process.env.BENCH_SOFTWARE_GPU !== "1") return null;
  return { name: description || `${vendor} ${architecture}`, isSoftware: isFallbackAdapter };
}
