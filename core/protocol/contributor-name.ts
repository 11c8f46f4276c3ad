/** What a contributor may be called: a clean name, or why it is none, as a sentence. */
export type CleanName =
  | { readonly ok: true; readonly name: string }
  | { readonly ok: false; readonly reason: string };

const MOST_LETTERS = 32; // fits in a row of the leaderboard on a phone
export const MAX_NAME_UNITS = 200; // of what is typed: a letter may be several

/** Scripts in everyday use (UAX 31, table 5); old ones hold letters that look like these. */
const SCRIPTS = [
  ...["Latin", "Greek", "Cyrillic", "Armenian", "Hebrew", "Arabic", "Thaana", "Devanagari"],
  ...["Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam"],
  ...["Sinhala", "Thai", "Lao", "Tibetan", "Myanmar", "Georgian", "Hangul", "Ethiopic", "Khmer"],
  ...["Hiragana", "Katakana", "Bopomofo", "Han"],
];
/** Those that are written together. Source: UTS 39, §5.2, "highly restrictive". */
const TOGETHER = [
  ["Latin", "Han", "Hiragana", "Katakana"],
  ["Latin", "Han", "Bopomofo"],
  ["Latin", "Han", "Hangul"],
];
const WRITABLE = [...SCRIPTS.map((script) => [script]), ...TOGETHER].map(
  (scripts) =>
    new RegExp(
      `^[\\p{scx=Common}\\p{scx=Inherited}${scripts.map((script) => `\\p{scx=${script}}`).join("")}]+$`,
      "u",
    ),
);

/**
 * A name as it is kept (protocol H42): composed, without spaces at its ends. Controls, signs that nobody sees, signs that turn
 * the direction of the text, and letters of scripts that are not written together make it none.
 */
export function cleanName(text: string): CleanName {
  if (text.length > MAX_NAME_UNITS) return tooLong;
  const name = text.normalize("NFKC").replace(/ +/g, " ").trim();
  if (name === "") return { ok: false, reason: "A name has one letter at least." };
  if ([...name].length > MOST_LETTERS) return tooLong;
  if (
    !/^[\p{L}\p{M}\p{Nd} .'’_-]+$/u.test(name) ||
    /\p{Default_Ignorable_Code_Point}/u.test(name)
  ) {
    return { ok: false, reason: "A name has letters, digits, spaces and . ' _ - alone." };
  }
  if (!/\p{L}/u.test(name)) return { ok: false, reason: "A name has one letter at least." };
  if (/^\p{M}|\p{M}{3}/u.test(name.normalize("NFD"))) {
    return { ok: false, reason: "A letter of a name has two marks at most." };
  }
  if (!WRITABLE.some((writable) => writable.test(name))) {
    return { ok: false, reason: "A name's letters are of one script, such as Latin or Cyrillic." };
  }
  return { ok: true, name };
}

const tooLong = { ok: false, reason: `A name has at most ${MOST_LETTERS} letters.` } as const;
