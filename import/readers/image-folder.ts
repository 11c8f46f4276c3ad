import { readdir } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import sharp from "sharp";
import { InputProblem, problemAt } from "../problem.ts";
import type { ImageSet, ImageSize, LabelledImage } from "./image-set.ts";

const EXTENSIONS = [".png", ".jpg", ".jpeg", ".webp"];
const MAX_PIXELS = 100e6; // a photograph has 12 to 50 million; more is a bomb
const AT_ONCE = 8; // images being decoded: the library has its own threads
const LARGEST_KEPT = 64; // smaller images of one size keep it
const DEFAULT_SIDE = 32; // larger or uneven ones become squares of this

type ImageFile = { readonly path: string; readonly file: string; readonly label: string };

/** Whether a folder holds images, a folder a class. */
export async function isImageFolder(path: string): Promise<boolean> {
  for (const name of await foldersOf(path)) {
    if ((await readdir(join(path, name))).some(isImage)) return true;
  }
  return false;
}

/** Images in one folder a class: PNG, JPEG or WebP of any size. Throws an InputProblem. */
export async function openImageFolder(path: string, wanted: ImageSize | null): Promise<ImageSet> {
  const files: ImageFile[] = [];
  const classes = (await foldersOf(path)).sort();
  for (const label of classes) {
    const names = (await readdir(join(path, label))).filter((name) => !name.startsWith("."));
    const images = names.filter(isImage).sort();
    if (images.length === 0) {
      throw new InputProblem(`${join(basename(path), label)}: the class "${label}" has no images.`);
    }
    for (const name of images) {
      files.push({ path: join(path, label, name), file: join(basename(path), label, name), label });
    }
  }
  const size = wanted ?? (await sizeOf(files));
  return {
    size,
    classes,
    count: files.length,
    images: () => inOrder(files, (image) => readImage(image, size)),
  };
}

async function readImage(
  { path, file, label }: ImageFile,
  size: ImageSize,
): Promise<LabelledImage> {
  const { width, height, channels } = size;
  try {
    const image = sharp(path, { limitInputPixels: MAX_PIXELS, failOn: "error" })
      .autoOrient()
      .flatten() // where it is transparent it is black
      .resize(width, height, { fit: "fill" })
      .toColourspace(channels === 1 ? "b-w" : "srgb");
    const { data, info } = await image
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== channels) throw new Error(`${info.channels} channels`);
    return { file, label, pixels: new Uint8Array(data) };
  } catch (error) {
    throw brokenImage(file, error);
  }
}

/** The size that all have, if it is small enough for a first model; else a square. In colour if one of them is. */
async function sizeOf(files: readonly ImageFile[]): Promise<ImageSize> {
  const sizes = new Set<string>();
  let channels: 1 | 3 = 1;
  let first = { width: DEFAULT_SIDE, height: DEFAULT_SIDE };
  for await (const { width, height, isGrey } of inOrder(files, headerOf)) {
    sizes.add(`${width} ${height}`);
    first = { width, height };
    if (!isGrey) channels = 3;
  }
  const isKept = sizes.size === 1 && Math.max(first.width, first.height) <= LARGEST_KEPT;
  return isKept ? { ...first, channels } : { width: DEFAULT_SIDE, height: DEFAULT_SIDE, channels };
}

async function headerOf({ path, file }: ImageFile) {
  try {
    const { width, height, space } = await sharp(path, { limitInputPixels: MAX_PIXELS }).metadata();
    return { width, height, isGrey: space === "b-w" || space === "grey16" };
  } catch (error) {
    throw brokenImage(file, error);
  }
}

function brokenImage(file: string, error: unknown): InputProblem {
  const words = error instanceof Error ? error.message.split("\n")[0] : String(error);
  return problemAt({ file }, `an image that cannot be read (${words?.replace(/\.$/, "")})`);
}

/** What `work` makes of each item, in their order, some of them at once. */
async function* inOrder<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  for (let from = 0; from < items.length; from += AT_ONCE) {
    yield* await Promise.all(items.slice(from, from + AT_ONCE).map(work));
  }
}

function isImage(name: string): boolean {
  return !name.startsWith(".") && EXTENSIONS.includes(extname(name).toLowerCase());
}

async function foldersOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name);
}
