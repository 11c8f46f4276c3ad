import { readdir, stat } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { readUtf8 } from "./utf8.ts";

/** A text, or a passage of a long one. */
export type TextDocument = {
  /** Such as "book.txt" or "book.txt (3)". */
  readonly title: string;
  readonly text: string;
};

const EXTENSIONS = [".txt", ".md"];
const PASSAGE_CHARACTERS = 16 << 10; // some 30 windows of 512: small enough that one book has many

export function isTextFile(name: string): boolean {
  return !name.startsWith(".") && EXTENSIONS.includes(extname(name).toLowerCase());
}

/** The .txt and .md files at `path`, a file or a folder with its folders, in the order of their names. */
export async function findTextFiles(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && isTextFile(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Each text in passages that end where a paragraph, a line or a word does. Throws an InputProblem where it is not UTF-8. */
export async function* readDocuments(paths: readonly string[]): AsyncGenerator<TextDocument> {
  for (const path of paths) {
    const file = basename(path);
    let part = 0;
    let rest = "";
    const titled = (text: string): TextDocument => ({
      title: part++ === 0 ? file : `${file} (${part})`,
      text,
    });
    for await (const piece of readUtf8(path, file)) {
      rest += piece;
      while (rest.length > 2 * PASSAGE_CHARACTERS) {
        const end = endOfPassage(rest);
        yield titled(rest.slice(0, end));
        rest = rest.slice(end);
      }
    }
    if (rest.trim() !== "") yield titled(rest);
  }
}

function endOfPassage(text: string): number {
  for (const end of ["\n\n", "\n", " "]) {
    const at = text.lastIndexOf(end, PASSAGE_CHARACTERS);
    if (at >= PASSAGE_CHARACTERS / 2) return at + end.length;
  }
  const last = text.charCodeAt(PASSAGE_CHARACTERS - 1);
  return last >= 0xd800 && last < 0xdc00 ? PASSAGE_CHARACTERS - 1 : PASSAGE_CHARACTERS; // half a character stays
}
