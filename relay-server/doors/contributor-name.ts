import unhomoglyph from "unhomoglyph";
import { cleanName } from "../../core/protocol/contributor-name.ts";
import { Refusal } from "./refusal.ts";

/** As pages show a key without a name. */
const LIKE_A_KEY = /^[\da-f]{8,}$/i;

/** Names that the relay itself speaks by. */
const RESERVED = [
  "Commonweight",
  "maintainer",
  "moderator",
  "admin",
  "administrator",
  "relay",
  "you",
];

/** A name as it is kept and what it looks like, both null where it is taken back. A Refusal for what is no name. */
export function namedAs(text: string | null): { name: string | null; look: string | null } {
  if (text === null) return { name: null, look: null };
  const outcome = cleanName(text);
  if (!outcome.ok) throw new Refusal("name-invalid", outcome.reason);
  const look = lookOf(outcome.name);
  if (RESERVED.some((word) => lookOf(word) === look)) {
    throw new Refusal("name-taken", `“${outcome.name}” looks like a name of the relay's own`);
  }
  if (LIKE_A_KEY.test(outcome.name.replace(/\p{L}/gu, (letter) => unhomoglyph(letter)))) {
    throw new Refusal("name-taken", `“${outcome.name}” looks like a key's first digits`);
  }
  return { name: outcome.name, look };
}

/**
 * The same for names that can be taken for each other: letters that look alike are one (UTS 39, §4), in either case. I is l
 * there and i in lower case, so that i and l are one, too.
 */
function lookOf(name: string): string {
  const letters = name.normalize("NFD").replace(/[^\p{L}\p{M}\p{Nd}]/gu, "");
  return unhomoglyph(unhomoglyph(letters).toLowerCase()).replace(/i/g, "l");
}
