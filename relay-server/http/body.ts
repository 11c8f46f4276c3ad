import { Refusal } from "./refusal.ts";

/** A request's body, at most `maxBytes`: a longer one is refused by its header, or as soon as it is seen. */
export async function readBody(
  request: Request,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = (size: string) =>
    new Refusal("too-large", `body: ${size} bytes > ${maxBytes}`, { connection: "close" });
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBytes) throw tooLarge(declared);
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of request.body ?? []) {
    size += piece.length;
    if (size > maxBytes) throw tooLarge(`more than ${maxBytes}`);
    pieces.push(piece);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
