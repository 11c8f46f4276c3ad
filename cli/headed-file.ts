/** Files of one line of JSON and then bytes: what belongs together is replaced together. */
import { FormatError } from "../core/errors.ts";

const LINE_FEED = 0x0a;

export function encodeHeaded(header: object, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const line = new TextEncoder().encode(`${JSON.stringify(header)}\n`);
  const bytes = new Uint8Array(line.length + body.length);
  bytes.set(line);
  bytes.set(body, line.length);
  return bytes;
}

/** Header and body; `what` names the file if it is damaged. The header is as this program wrote it. */
export function decodeHeaded<Header>(
  what: string,
  bytes: Uint8Array<ArrayBuffer>,
): { header: Header; body: Uint8Array<ArrayBuffer> } {
  const end = bytes.indexOf(LINE_FEED);
  if (end < 0) throw new FormatError(`${what}: no header`);
  try {
    const header: Header = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
    return { header, body: bytes.slice(end + 1) };
  } catch {
    throw new FormatError(`${what}: a header that is not JSON`); // the parser's words name no file
  }
}
