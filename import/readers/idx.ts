import { createReadStream } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createGunzip } from "node:zlib";
import { InputProblem, problemAt } from "../problem.ts";
import type { ImageSet, ImageSize, LabelledImage } from "./image-set.ts";

const NAME = /images[-.]idx3-ubyte(\.gz)?$/;
const IMAGES_MAGIC = 0x0803; // unsigned bytes in three dimensions
const LABELS_MAGIC = 0x0801; // unsigned bytes in one
const MAX_SIDE = 1024; // an image of a MB: more is no IDX file that is in use

export function isIdxImages(name: string): boolean {
  return NAME.test(name);
}

/**
 * Images and labels in the IDX format of http://yann.lecun.com/exdb/mnist, as they are or gzipped: each path is that of the
 * images, the labels lie beside it. Throws an InputProblem.
 */
export async function openIdx(paths: readonly string[]): Promise<ImageSet> {
  let size: ImageSize | null = null;
  let count = 0;
  const labels = new Set<number>();
  for (const path of paths) {
    const header = await headerOf(path);
    if (size !== null && (size.width !== header.width || size.height !== header.height)) {
      throw problemAt(
        { file: basename(path) },
        `images of ${header.width}×${header.height}, and others have ${size.width}×${size.height}`,
      );
    }
    size = { width: header.width, height: header.height, channels: 1 };
    count += header.count;
    for await (const label of labelsOf(path, header.count)) labels.add(label);
  }
  if (size === null) throw new InputProblem("No IDX file was given.");
  const classes = [...labels].sort((a, b) => a - b).map(String);
  return {
    size,
    classes,
    count,
    async *images() {
      for (const path of paths) yield* imagesOf(path);
    },
  };
}

async function* imagesOf(path: string): AsyncGenerator<LabelledImage> {
  const file = basename(path);
  const bytes = byteReader(path);
  const { count, width, height } = decodeHeader(file, await bytes.take(16));
  const labels = labelsOf(path, count);
  for (let i = 0; i < count; i++) {
    const pixels = await bytes.take(width * height);
    const label = await labels.next();
    yield { file: `${file}, image ${i}`, label: String(label.value), pixels };
  }
  await bytes.end();
}

async function headerOf(path: string) {
  const bytes = byteReader(path);
  try {
    return decodeHeader(basename(path), await bytes.take(16));
  } finally {
    await bytes.close();
  }
}

function decodeHeader(file: string, header: Uint8Array) {
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  if (view.getUint32(0) !== IMAGES_MAGIC) throw problemAt({ file }, "not an IDX file of images");
  const [count, height, width] = [view.getUint32(4), view.getUint32(8), view.getUint32(12)];
  if (count < 1 || width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE) {
    throw problemAt(
      { file },
      `${count} images of ${width}×${height}, and each side may have 1 to ${MAX_SIDE}`,
    );
  }
  return { count, width, height };
}

async function* labelsOf(images: string, count: number): AsyncGenerator<number> {
  const name = basename(images).replace("images", "labels").replace("idx3", "idx1");
  const bytes = byteReader(join(dirname(images), name));
  const header = await bytes.take(8);
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  if (view.getUint32(0) !== LABELS_MAGIC)
    throw problemAt({ file: name }, "not an IDX file of labels");
  if (view.getUint32(4) !== count) {
    throw problemAt({ file: name }, `${view.getUint32(4)} labels for ${count} images`);
  }
  for (let i = 0; i < count; i++) yield (await bytes.take(1))[0]!;
  await bytes.end();
}

/** Exactly so many bytes of a file at a time, through gunzip where its name ends in .gz. */
function byteReader(path: string) {
  const file = basename(path);
  const raw = createReadStream(path);
  const stream = path.endsWith(".gz") ? raw.pipe(createGunzip()) : raw;
  if (stream !== raw) raw.on("error", (error) => stream.destroy(error));
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  async function more(): Promise<boolean> {
    const next = await chunks.next().catch((error: unknown) => {
      const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
      throw problemAt(
        { file },
        isMissing ? "there is no such file" : "damaged: it cannot be unpacked",
      );
    });
    if (next.done === true) return false;
    rest = rest.length === 0 ? next.value : Buffer.concat([rest, next.value]);
    return true;
  }
  return {
    async take(length: number): Promise<Uint8Array> {
      while (rest.length < length) {
        if (!(await more())) throw problemAt({ file }, "it ends too early: bytes are missing");
      }
      const taken = Uint8Array.from(rest.subarray(0, length));
      rest = rest.subarray(length);
      return taken;
    },
    async end(): Promise<void> {
      if (rest.length > 0 || (await more()))
        throw problemAt({ file }, "bytes follow after its end");
    },
    async close(): Promise<void> {
      stream.destroy();
      raw.destroy();
    },
  };
}
