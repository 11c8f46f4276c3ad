import { createInterface } from "node:readline/promises";

/** A line that the person at the terminal writes after `question`; null where the input ends instead, as by Ctrl-D. */
export async function askLine(question: string, signal: AbortSignal): Promise<string | null> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const ended = new Promise<null>((resolve) => {
      lines.once("close", () => resolve(null)); // the question itself would wait for ever
    });
    return await Promise.race([lines.question(question, { signal }), ended]);
  } finally {
    lines.close();
  }
}
