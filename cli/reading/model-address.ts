import { InvalidArgumentError } from "commander";
import { modelId } from "../../core/protocol/schemas/primitives.ts";

/** Where a model is read, and which version of it. */
export type ModelAddress = {
  /** A relay's origin; null: the one of --relay. */
  readonly relay: string | null;
  /** A folder that `clone` made; null where it is a relay. */
  readonly folder: string | null;
  /** Null where the address names none: of a relay, all. */
  readonly model: string | null;
  /** A number or a release, as it was written; null: the newest. */
  readonly version: string | null;
};

const VERSION = /^(.+)@([0-9]{1,9}|[0-9.]{5,20}|head)$/;

/**
 * Read `digits`, `digits@12`, `digits@1.0.0`, `https://relay.example/digits@12`, an address of the page, or the path of a
 * folder. What looks like a name is a name: a folder beside one is `./digits`.
 */
export function parseModelAddress(text: string): ModelAddress {
  const [, named = text, version = null] = VERSION.exec(text) ?? [];
  if (/^https?:\/\//.test(named) && URL.canParse(named)) {
    const { origin, pathname, hash } = new URL(named);
    const parts = (hash === "" ? pathname : hash).split("/").filter((part) => part !== "");
    const model = parts.find((part) => !PAGES.has(part) && modelId.safeParse(part).success);
    return { relay: origin, folder: null, model: model ?? null, version };
  }
  if (modelId.safeParse(named).success) {
    return { relay: null, folder: null, model: named, version };
  }
  if (!/[./\\]/.test(named)) {
    throw new InvalidArgumentError(
      "It is a model's name, the address of one, such as https://example.org/digits, or a folder.",
    );
  }
  return { relay: null, folder: named, model: null, version };
}

/** The page's own words in addresses such as `#/history/digits/12`. */
const PAGES = new Set(["contribute", "try", "leaderboard", "history", "health", "about"]);
