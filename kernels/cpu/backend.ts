import type { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-cpu";
import { ready, setBackend } from "@tensorflow/tfjs-core";
import { plainBodies } from "../host-bodies.ts";
import { type HostMemory, registerHostOperations } from "../host-operations.ts";

const memory: HostMemory<MathBackendCPU> = {
  make: (backend, shape, dtype) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return backend.makeTensorInfo(shape, dtype, new Float32Array(size));
  },
  floats: (backend, { dataId }) => backend.data.get(dataId).values as Float32Array, // dtype float32
  integers: (backend, { dataId }) => backend.data.get(dataId).values as Int32Array, // dtype int32
};

registerHostOperations("cpu", memory, plainBodies);

/** Open tfjs's JavaScript backend, where nothing faster runs. Returns the device's words. */
export async function openCpu(): Promise<string> {
  await setBackend("cpu");
  await ready();
  return "javascript";
}
