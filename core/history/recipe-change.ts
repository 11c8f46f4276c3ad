import { sha256 } from "../crypto/signature.ts";
import { encodeCanonical } from "../protocol/canonical-json.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";

/** From when a change of a recipe's field counts (protocol R7). */
export type RecipeEffect =
  /** Words for people: at once, and for nothing else. */
  | "words"
  /** New tickets; work under way is finished as its ticket says. */
  | "tickets"
  /** New tickets; work under way is refused as `recipe-changed`. */
  | "work"
  /** The masks of versions that are published from then on. */
  | "versions"
  /** Judging, merging and the gate, of what waits too. */
  | "judging";

/** The longest name that a field begins with decides; a field that none of them begins may not change. */
const EFFECTS: readonly (readonly [field: string, effect: RecipeEffect])[] = [
  ["title", "words"],
  ["summary", "words"],
  ["intendedUse", "words"],
  ["welcome", "words"],
  ["limits", "words"],
  ["licence", "words"],
  ["data.source", "words"],
  ["data.licence", "words"],
  ["data.shardsPerTicket", "tickets"],
  ["data.replayShardsPerTicket", "tickets"],
  ["training", "work"],
  ["mask.fisher", "work"],
  ["mask", "versions"],
  ["merge", "judging"],
  ["score", "judging"],
  ["gate", "judging"],
];

export type FieldChange = {
  /** Its path: "training.steps". */
  readonly field: string;
  /** Undefined where it is not there. */
  readonly before: unknown;
  readonly after: unknown;
  /** Null: the field may not change. */
  readonly effect: RecipeEffect | null;
};

/** What `after` changes in `before`, field by field. */
export function recipeChanges(before: Recipe, after: Recipe): FieldChange[] {
  const was = fieldsOf(before);
  const is = fieldsOf(after);
  return [...new Set([...was.keys(), ...is.keys()])]
    .map((field) => ({ field, before: was.get(field), after: is.get(field) }))
    .filter((one) => JSON.stringify(one.before) !== JSON.stringify(one.after))
    .map((one) => ({ ...one, effect: effectOf(one) }));
}

function fieldsOf(value: object, path = ""): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const [name, field] of Object.entries(value)) {
    const own = path === "" ? name : `${path}.${name}`;
    const isObject = typeof field === "object" && field !== null && !Array.isArray(field);
    if (isObject) for (const [inner, one] of fieldsOf(field, own)) fields.set(inner, one);
    else if (field !== undefined) fields.set(own, field);
  }
  return fields;
}

function effectOf({ field, before, after }: Omit<FieldChange, "effect">): RecipeEffect | null {
  // a version's record promised when a seed is revealed, and would be broken by work that may be older
  if (field === "merge.stalenessLimit") return null;
  // the suite is held out from version 0 on, or never
  const isSuite = field.startsWith("gate.protected.");
  if (isSuite && !field.endsWith(".clipNats") && (before === undefined || after === undefined)) {
    return null;
  }
  // patches have Fisher weights exactly where the merge goes by them
  if (field === "merge.rule" && [before, after].includes("fisher")) return "work";
  const rules = EFFECTS.filter(([name]) => field === name || field.startsWith(`${name}.`));
  const [longest] = rules.sort(([a], [b]) => b.length - a.length);
  return longest?.[1] ?? null;
}

/**
 * The SHA-256 of what of a recipe a piece of work is made by beside its ticket: work whose ticket names others is refused
 * (protocol R7).
 */
export function workTerms({ training, mask, merge }: Recipe): Promise<string> {
  const fisher = mask.fisher ?? null;
  return sha256(encodeCanonical({ training, fisher, isWeighed: merge.rule === "fisher" }));
}

/** A recipe's name in an act: the SHA-256 of its RFC 8785 form. */
export function recipeHash(recipe: Recipe): Promise<string> {
  return sha256(encodeCanonical(recipe));
}
