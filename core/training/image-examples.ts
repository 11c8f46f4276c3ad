import { FormatError } from "../errors.ts";
import { MAX_SHARD_BYTES } from "../protocol/limits.ts";
import { decodeWords, encodeIntegers } from "../tensors/little-endian.ts";
import { decodeSafetensors, encodeSafetensors, tensorOf } from "../tensors/safetensors.ts";

/** Images [count, pixels per image] with values 0…255 and their classes [count]. */
export type ImageExamples = {
  readonly kind: "images";
  readonly count: number;
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array | Uint16Array;
};

/** What images a model sees: values of one image, a row of pixels after the other and a pixel's colours together. */
export type ImageShape = { readonly inputs: number; readonly outputs: number };

const LIMITS = { maxHeaderBytes: 4096, maxTensors: 2 }; // two tensors need 200 bytes of header

/** A shard file: safetensors with `pixels` U8 [count, pixels per image] and `labels` [count], U8 or beyond 256 classes U16. */
export function encodeImageExamples({
  count,
  pixels,
  labels,
}: ImageExamples): Uint8Array<ArrayBuffer> {
  return encodeSafetensors({
    tensors: [
      {
        name: "labels",
        dtype: labels.BYTES_PER_ELEMENT === 1 ? "U8" : "U16",
        shape: [count],
        bytes: encodeIntegers(labels),
      },
      { name: "pixels", dtype: "U8", shape: [count, pixels.length / count], bytes: pixels },
    ],
    metadata: {},
  });
}

/**
 * Read a shard file or held-out set of images: every label below the outputs, every image as long as the
 * inputs. Anything else is a FormatError that starts with `what`.
 */
export function decodeImageExamples(
  what: string,
  bytes: Uint8Array,
  { inputs, outputs }: ImageShape,
  { maxBytes = MAX_SHARD_BYTES }: { readonly maxBytes?: number } = {},
): ImageExamples {
  if (bytes.length > maxBytes) {
    throw new FormatError(`${what}: ${bytes.length} bytes > ${maxBytes}`);
  }
  const file = decodeSafetensors(what, bytes, LIMITS);
  const pixels = tensorOf(what, file, "pixels", "U8", 2);
  const dtype = file.tensors.get("labels")?.dtype === "U16" ? "U16" : "U8";
  const stored = tensorOf(what, file, "labels", dtype, 1);
  const labels = dtype === "U16" ? decodeWords(stored.bytes) : stored.bytes;
  const [count = 0, width = 0] = pixels.shape;
  if (count === 0) throw new FormatError(`${what}: no examples`);
  if (width !== inputs) {
    throw new FormatError(`${what}: ${width} pixels an image, not ${inputs}`);
  }
  if (stored.shape[0] !== count) {
    throw new FormatError(`${what}: ${stored.shape[0]} labels for ${count} images`);
  }
  const foreign = labels.findIndex((label) => label >= outputs);
  if (foreign !== -1) {
    throw new FormatError(
      `${what}: label ${labels[foreign]} of image ${foreign} ≥ ${outputs} outputs`,
    );
  }
  return { kind: "images", count, pixels: pixels.bytes, labels };
}

/** Several shards as one set, in the order given. */
export function joinImageExamples(parts: readonly ImageExamples[]): ImageExamples {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const pixelBytes = parts.reduce((sum, part) => sum + part.pixels.length, 0);
  const pixels = new Uint8Array(pixelBytes);
  const isWide = parts.some((part) => part.labels.BYTES_PER_ELEMENT > 1);
  const labels = isWide ? new Uint16Array(count) : new Uint8Array(count);
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
