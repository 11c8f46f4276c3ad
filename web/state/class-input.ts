import type { Inputs } from "../../core/protocol/schemas/inputs.ts";

type ImageInputs = Extract<Inputs, { kind: "image" }>;

/** The pixels [height, width, channels] of a visitor's picture as a model takes them: stretched to its size, as its owner's were. */
export async function pictureInput(file: Blob, size: ImageInputs): Promise<Uint8Array> {
  const { width, height } = size;
  const bitmap = await createImageBitmap(file, {
    resizeWidth: width,
    resizeHeight: height,
    resizeQuality: "high",
  });
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("This browser draws no pictures.");
  context.fillRect(0, 0, width, height); // where it is transparent it is black
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return pixelsOf(context.getImageData(0, 0, width, height).data, size);
}

/** RGBA values [height, width, 4] as the model's grey or colour ones. */
export function pixelsOf(
  rgba: ArrayLike<number>,
  { width, height, channels }: ImageInputs,
): Uint8Array {
  const pixels = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    const [red, green, blue] = [rgba[4 * i]!, rgba[4 * i + 1]!, rgba[4 * i + 2]!];
    if (channels === 3) pixels.set([red, green, blue], 3 * i);
    else pixels[i] = Math.round(0.2126 * red + 0.7152 * green + 0.0722 * blue); // BT.709
  }
  return pixels;
}
