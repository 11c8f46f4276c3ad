/** What WebGPU is asked for, whoever asks: counted at the API itself. */
export type DeviceCounters = {
  /** Dispatches since the last call. */
  takeDispatches(): number;
  /** The most bytes that buffers held at once since the last call. */
  takePeakBufferBytes(): number;
};

/** Count from now on; null where there is no WebGPU. */
export function countDevice(): DeviceCounters | null {
  if (typeof GPUComputePassEncoder === "undefined") return null;
  let dispatches = 0;
  let bytes = 0;
  let peakBytes = 0;
  const sizes = new WeakMap<GPUBuffer, number>();

  const { dispatchWorkgroups } = GPUComputePassEncoder.prototype;
  GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...groups) {
    dispatches++;
    dispatchWorkgroups.apply(this, groups);
  };
  const { createBuffer } = GPUDevice.prototype;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    sizes.set(buffer, descriptor.size);
    bytes += descriptor.size;
    peakBytes = Math.max(peakBytes, bytes);
    return buffer;
  };
  const { destroy } = GPUBuffer.prototype;
  GPUBuffer.prototype.destroy = function () {
    bytes -= sizes.get(this) ?? 0;
    sizes.delete(this); // it may be destroyed twice
    destroy.call(this);
  };
  return {
    takeDispatches() {
      const taken = dispatches;
      dispatches = 0;
      return taken;
    },
    takePeakBufferBytes() {
      const taken = peakBytes;
      peakBytes = bytes;
      return taken;
    },
  };
}
