/** The three kinds of "no" (STYLE §5): our bug, broken input, and refusal as an ordinary value. */

/** Broken input, found by a decoder or parser. The relay answers 400, a peer is dropped. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}

/** Throw if our own code broke its own rule. Never caught. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`internal: ${message}`);
}
