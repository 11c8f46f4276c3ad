import { styleText } from "node:util";
import { askLine } from "./ask-line.ts";

type Style = Parameters<typeof styleText>[0];

/** Where a command speaks: answers on standard output, everything else on standard error. */
export type Terminal = {
  /** A line of the answer. */
  print(line: string): void;
  /** The one sentence that says why the command did not do what was asked; the exit code becomes 1. */
  fail(sentence?: string): void;
  /** How far it is; shown on a terminal only, and null takes it away. */
  progress(line: string | null): void;
  /** Whether the answer to `question` is yes; null where nobody can be asked. */
  ask(question: string): Promise<boolean | null>;
  /** `text` in colour, on a terminal that shows colours. */
  style(style: Style, text: string): string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
};

const CLEAR_LINE = "\r\u001b[K";

/** What may move the cursor, or a colour's beginning; and what turns the text. */
const SIGNS = /(\p{Cc})(\[[\d;]*m)?|[\u202a-\u202e\u2066-\u2069]/gu;

/** `text` as a terminal may show it, with its colours and ends of lines: a relay's answers can forge nothing else on the screen. */
export function harmless(text: string): string {
  return text.replace(SIGNS, (sign, control = "", colour = "") => {
    if (control === "\u001b" && colour !== "") return sign;
    return control === "\n" || control === "\t" ? sign : colour;
  });
}

/** The process's own terminal. NO_COLOR and FORCE_COLOR are Node's to read. */
export function processTerminal(signal: AbortSignal): Terminal {
  const { stdout, stderr } = process;
  let isShown = false;
  function progress(line: string | null): void {
    if (!stderr.isTTY) return;
    if (line !== null || isShown) stderr.write(CLEAR_LINE + (line ?? "").slice(0, stderr.columns));
    isShown = line !== null;
  }
  return {
    signal,
    progress,
    print(line) {
      progress(null);
      stdout.write(`${harmless(line)}\n`);
    },
    fail(sentence) {
      progress(null);
      if (sentence !== undefined) stderr.write(`${harmless(sentence)}\n`);
      process.exitCode = 1;
    },
    async ask(question) {
      if (!process.stdin.isTTY || !stderr.isTTY) return null;
      progress(null);
      const answer = await askLine(question, signal);
      return /^y(es)?$/i.test(answer?.trim() ?? "");
    },
    style: (style, text) => styleText(style, text, { stream: stdout }),
  };
}
