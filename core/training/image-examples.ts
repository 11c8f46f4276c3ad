import { FormatError } from "../errors.ts";
import type { MlpArchitecture } from "../models/mlp.ts";
import { MAX_SHARD_BYTES } from "../protocol/limits.ts";
import { decodeSafetensors, encodeSafetensors, tensorOf } from "../tensors/safetensors.ts";

/** Images [count, pixels per image] with values 0…255 and their classes [count]. */
export type ImageExamples = {
  readonly kind: "images";
  readonly count: number;
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
};

const LIMITS = { maxHeaderBytes: 4096, maxTensors: 2 }; // two tensors need 200 bytes of header

/** A shard file: safetensors with `pixels` U8 [count, pixels per image] and `labels` U8 [count]. */
export function encodeImageExamples({
  count,
  pixels,
  labels,
}: ImageExamples): Uint8Array<ArrayBuffer> {
  return encodeSafetensors({
    tensors: [
      { name: "labels", dtype: "U8", shape: [count], bytes: labels },
      { name: "pixels", dtype: "U8", shape: [count, pixels.length / count], bytes: pixels },
    ],
    metadata: {},
  });
}

/**
 * Read a shard file or held-out set for `architecture`: every label below its outputs, every image as
 * long as its inputs. Anything else is a FormatError that starts with `what`.
 */
export function decodeImageExamples(
  what: string,
  bytes: Uint8Array,
  { inputs, outputs }: MlpArchitecture,
): ImageExamples {
  if (bytes.length > MAX_SHARD_BYTES) {
    throw new FormatError(`${what}: ${bytes.length} bytes > ${MAX_SHARD_BYTES}`);
  }
  const file = decodeSafetensors(what, bytes, LIMITS);
  const pixels = tensorOf(what, file, "pixels", "U8", 2);
  const labels = tensorOf(what, file, "labels", "U8", 1);
  const [count = 0, width = 0] = pixels.shape;
  if (count === 0) throw new FormatError(`${what}: no examples`);
  if (width !== inputs) {
    throw new FormatError(`${what}: ${width} pixels an image, not ${inputs}`);
  }
  if (labels.shape[0] !== count) {
    throw new FormatError(`${what}: ${labels.shape[0]} labels for ${count} images`);
  }
  const foreign = labels.bytes.findIndex((label) => label >= outputs);
  if (foreign !== -1) {
    throw new FormatError(
      `${what}: label ${labels.bytes[foreign]} of image ${foreign} ≥ ${outputs} outputs`,
    );
  }
  return { kind: "images", count, pixels: pixels.bytes, labels: labels.bytes };
}

/** Several shards as one set, in the order given. */
export function joinImageExamples(parts: readonly ImageExamples[]): ImageExamples {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const pixelBytes = parts.reduce((sum, part) => sum + part.pixels.length, 0);
  const pixels = new Uint8Array(pixelBytes);
  const labels = new Uint8Array(count);
  let image = 0;
  let pixel = 0;
  for (const part of parts) {
    pixels.set(part.pixels, pixel);
    labels.set(part.labels, image);
    pixel += part.pixels.length;
    image += part.count;
  }
  return { kind: "images", count, pixels, labels };
}

/** The examples from…to−1, as views. */
export function sliceImageExamples(
  { count, pixels, labels }: ImageExamples,
  from: number,
  to: number,
): ImageExamples {
  const width = pixels.length / count;
  return {
    kind: "images",
    count: to - from,
    pixels: pixels.subarray(from * width, to * width),
    labels: labels.subarray(from, to),
  };
}
