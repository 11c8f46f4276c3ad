/** A file of an export. Its size is known before it is made, and no file lies in memory whole. */
export type ExportFile = {
  readonly name: string;
  readonly sizeBytes: number;
  /** Its bytes in order, made as they are read. */
  readonly blocks: () => Iterable<Uint8Array>;
};

/** A file whose bytes are there. */
export function fileOf(name: string, bytes: Uint8Array): ExportFile {
  return { name, sizeBytes: bytes.length, blocks: () => [bytes] };
}

/** A file of text, or of the JSON of anything else. */
export function textFile(name: string, content: unknown): ExportFile {
  const text = typeof content === "string" ? content : `${JSON.stringify(content, null, 2)}\n`;
  return fileOf(name, new TextEncoder().encode(text));
}

/** Why a version cannot leave in a format: an ordinary outcome, in a sentence. */
export class ExportRefused extends Error {
  override readonly name = "ExportRefused";
}
