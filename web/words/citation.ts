import type { ModelCard } from "../../core/protocol/schemas/status.ts";

const SPECIAL = /[\\{}$&#%_^~]/g; // to TeX; an owner's words may have them
const SPELLED: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "^": "\\textasciicircum{}",
  "~": "\\textasciitilde{}",
};
const asTex = (text: string): string =>
  text.replace(/\s+/g, " ").replace(SPECIAL, (character) => SPELLED[character] ?? `\\${character}`);

/** The newest version of a model as BibTeX; `url` is where its place in the history can be read. */
export function citationOf({ recipe, head }: ModelCard, url: string): string {
  const year = new Date(head.createdAt).getUTCFullYear();
  const title = asTex(recipe.title);
  return `@misc{${recipe.id}-${head.number},
  title = {{${title}, version ${head.number}}},
  author = {{The contributors to ${title}}},
  year = {${year}},
  howpublished = {\\url{${url}}},
  note = {Commonweight version ${head.id}, licence ${asTex(recipe.licence)}}
}`;
}
