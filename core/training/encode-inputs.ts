import { type Column, columnLength, type Inputs, inputLength } from "../protocol/schemas/inputs.ts";

const BYTE = 255;
const LONGEST_WORD = 64; // characters that are hashed: longer ones are no words

/** One cell of a row: what stands in an owner's file or a visitor's form. */
export type Cell = number | string;

/** A row of a table as the bytes [inputs] of an example; null where a cell is not what its column takes. */
export function encodeRow(
  inputs: Extract<Inputs, { kind: "table" }>,
  cells: readonly Cell[],
): Uint8Array<ArrayBuffer> | null {
  const bytes = new Uint8Array(inputLength(inputs));
  let at = 0;
  for (const [i, column] of inputs.columns.entries()) {
    if (!encodeCell(column, cells[i] ?? "", bytes, at)) return null;
    at += columnLength(column);
  }
  return bytes;
}

function encodeCell(column: Column, cell: Cell, bytes: Uint8Array, at: number): boolean {
  if (column.kind === "choice") {
    const choice = column.choices.indexOf(String(cell));
    if (choice === -1) return false;
    bytes[at + choice] = BYTE;
    return true;
  }
  const value = numberOf(cell);
  if (value === null) return false;
  const { least, most } = column;
  const share = most > least ? (value - least) / (most - least) : 0;
  bytes[at] = Math.round(BYTE * Math.min(1, Math.max(0, share)));
  return true;
}

/** The finite number that a cell holds; null if it holds none. */
export function numberOf(cell: unknown): number | null {
  if (typeof cell === "bigint") return Number(cell);
  if (typeof cell === "boolean") return cell ? 1 : 0;
  const text = typeof cell === "number" ? cell : typeof cell === "string" ? cell.trim() : "";
  if (text === "") return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/**
 * A text as the bytes [buckets] of an example: how often each of its words and pairs of neighbouring words occurs, by their
 * FNV-1a hash, the whole scaled to a length of 1. Joulin et al. 2017, "Bag of tricks for efficient text classification",
 * arXiv:1607.01759.
 */
export function encodeText(text: string, buckets: number): Uint8Array<ArrayBuffer> {
  const counts = new Float64Array(buckets);
  let before = "";
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) {
    const cut = word.slice(0, LONGEST_WORD);
    counts[fnv1a(cut) % buckets]! += 1;
    if (before !== "") counts[fnv1a(`${before} ${cut}`) % buckets]! += 1;
    before = cut;
  }
  let squares = 0;
  for (const count of counts) squares += count * count;
  const length = Math.sqrt(squares);
  if (length === 0) return new Uint8Array(buckets);
  return Uint8Array.from(counts, (count) => Math.round((BYTE * count) / length));
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) >>> 0; // its low bits alone are the poor ones
}
