import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import { problemAt } from "../problem.ts";

const NEWLINE = 0x0a;
const MAX_LINE_CHARACTERS = 16 << 20; // one record; more is a file without line ends

/** The text of a file in pieces, without a byte order mark. Throws an InputProblem that names the line that is not UTF-8. */
export async function* readUtf8(path: string, file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  let carried = Buffer.alloc(0); // an unfinished character of the last piece
  for await (const chunk of createReadStream(path)) {
    const bytes = Buffer.concat([carried, chunk]);
    const whole = bytes.subarray(0, endOfCharacters(bytes));
    let text: string;
    try {
      text = decoder.decode(whole, { stream: true });
    } catch {
      throw problemAt({ file, line: line + linesBeforeFault(whole) }, "not UTF-8");
    }
    carried = bytes.subarray(whole.length);
    for (const byte of whole) if (byte === NEWLINE) line++;
    if (text !== "") yield text;
  }
  if (carried.length > 0) throw problemAt({ file, line }, "not UTF-8");
}

/** The lines of a file, counted from 1, without their ends; empty ones too. */
export async function* readLines(
  path: string,
  file: string,
): AsyncGenerator<{ readonly line: number; readonly text: string }> {
  let line = 0;
  let rest = "";
  for await (const piece of readUtf8(path, file)) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const text of lines) yield { line: ++line, text: text.replace(/\r$/, "") };
    if (rest.length > MAX_LINE_CHARACTERS) {
      const what = `longer than ${MAX_LINE_CHARACTERS} characters, and at most so many are a record`;
      throw problemAt({ file, line: line + 1 }, what);
    }
  }
  if (rest !== "") yield { line: line + 1, text: rest.replace(/\r$/, "") };
}

/** Where the last whole character of `bytes` ends: at most three bytes of another may follow. */
function endOfCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return bytes.length;
    if (byte < 0xc0) continue; // goes on
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function linesBeforeFault(bytes: Buffer): number {
  let lines = 0;
  for (let from = 0; from < bytes.length; lines++) {
    const end = bytes.indexOf(NEWLINE, from);
    const to = end === -1 ? bytes.length : end + 1;
    if (!isUtf8(bytes.subarray(from, to))) return lines;
    from = to;
  }
  return lines;
}
