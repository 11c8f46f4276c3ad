import { parseArgs } from "node:util";
import { FormatError } from "../core/errors.ts";
import { parseValue } from "../core/protocol/canonical-json.ts";
import { mergeRule, type Recipe, recipe as recipeSchema } from "../core/protocol/schemas/recipe.ts";
import { shippedModels } from "../models/shipped.ts";
import { ATTACKS } from "./community/attacks.ts";
import type { CommunityOptions } from "./community/community.ts";
import { DEFENCES } from "./community/relay.ts";
import { SHARD_ARRANGEMENTS } from "./community/shards.ts";
import { PRESET_NAMES, type PresetName } from "./presets/all.ts";

export const HELP = `npm run sim -- [flags]: a community in one process, with real training and no network
npm run sim -- --preset NAME [--quick]: a study of many communities, written into docs/results.md; goes on where it was stopped

  --model ID          a shipped model: ${shippedModels.map(({ recipe }) => recipe.id).join(", ")}
  --volunteers N      who train at their own speeds                           10
  --versions N        for how long: the pieces that an average device does    20
  --density SHARE     of the parameters in the mask                           the recipe's
  --mask KIND         random, shared, own                                     the recipe's
  --merge RULE        ${mergeRule.options.join(", ")}
  --liars SHARE       of the volunteers that lie                              0
  --attack NAME       ${ATTACKS.join(", ")}
  --stale SHARE       of the volunteers that are slow                         0
  --shards NAME       ${SHARD_ARRANGEMENTS.join(", ")}                                shipped
  --without A,B       leave defences out: ${DEFENCES.join(", ")}
  --burst             everybody begins at once and takes equally long
  --lifelike          devices differ by a factor of 30; volunteers leave and come back
  --until ACCURACY    ends the run, such as 0.95
  --set PATH=VALUE    any other value of the recipe, such as merge.outerStep=2; may be repeated
  --seed TEXT         of a quick preset several, such as 1,2,3                 1
  --probe             also score every contribution in all ways
  --preset NAME       ${PRESET_NAMES.join(", ")}
  --quick             five volunteers, five versions; a preset with one seed and without tuning or rarer cases
  --json              one JSON object on standard output`;

export type SimOptions = CommunityOptions & {
  /** Null for a single community. */
  readonly preset: PresetName | null;
  readonly isQuick: boolean;
  readonly model: string;
  /** "path=value" changes of the recipe. */
  readonly changes: readonly string[];
  readonly asJson: boolean;
};

/** The flags in `args`, or a message that says what is wrong with them. */
export function parseOptions(args: readonly string[]): SimOptions | string {
  let values: ReturnType<typeof readFlags>;
  try {
    values = readFlags(args);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  if (values.help) return HELP;
  const attack = ATTACKS.find((name) => name === values.attack);
  if (attack === undefined) return `--attack ${values.attack}: one of ${ATTACKS.join(", ")}`;
  const shards = SHARD_ARRANGEMENTS.find((name) => name === values.shards);
  if (shards === undefined)
    return `--shards ${values.shards}: one of ${SHARD_ARRANGEMENTS.join(", ")}`;
  const left = values.without.split(",").filter((name) => name !== "");
  const without = new Set(DEFENCES.filter((name) => left.includes(name)));
  if (without.size !== left.length) return `--without ${values.without}: of ${DEFENCES.join(", ")}`;
  const small = values.quick ? "5" : null;
  const volunteers = Number(values.volunteers ?? small ?? 10);
  const versions = Number(values.versions ?? small ?? 20);
  const liars = Number(values.liars);
  const stale = Number(values.stale);
  if (!(Number.isInteger(volunteers) && volunteers >= 1)) return "--volunteers: 1 or more";
  if (!(Number.isInteger(versions) && versions >= 1)) return "--versions: 1 or more";
  if (!(liars >= 0 && liars <= 1 && stale >= 0 && stale <= 1)) return "--liars, --stale: 0…1";
  const until = values.until === undefined ? null : Number(values.until);
  if (until !== null && !(until > 0 && until <= 1)) return "--until: above 0, up to 1";
  const changes = values.set;
  if (values.merge !== undefined) changes.push(`merge.rule=${values.merge}`);
  if (values.mask !== undefined) changes.push(`mask.kind=${values.mask}`);
  if (values.density !== undefined) changes.push(`mask.density=${values.density}`);
  const preset = PRESET_NAMES.find((name) => name === values.preset) ?? null;
  if (values.preset !== undefined && preset === null) {
    return `--preset ${values.preset}: one of ${PRESET_NAMES.join(", ")}`;
  }
  return {
    preset,
    isQuick: values.quick,
    model: values.model,
    volunteers,
    versions,
    liars,
    attack,
    stale,
    without,
    shards,
    isProbed: values.probe,
    isBurst: values.burst,
    isLifelike: values.lifelike,
    until,
    seed: values.seed,
    changes,
    asJson: values.json,
  };
}

function readFlags(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      model: { type: "string", default: "digits" },
      volunteers: { type: "string" },
      versions: { type: "string" },
      density: { type: "string" },
      mask: { type: "string" },
      merge: { type: "string" },
      liars: { type: "string", default: "0" },
      attack: { type: "string", default: "sign-flip" },
      stale: { type: "string", default: "0" },
      shards: { type: "string", default: "shipped" },
      without: { type: "string", default: "" },
      set: { type: "string", multiple: true, default: [] },
      seed: { type: "string", default: "1" },
      preset: { type: "string" },
      quick: { type: "boolean", default: false },
      burst: { type: "boolean", default: false },
      lifelike: { type: "boolean", default: false },
      until: { type: "string" },
      probe: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  }).values;
}

/** `recipe` with "path=value" changes, an empty value taking the entry out, or a message where the result is no recipe. */
export function changeRecipe(recipe: Recipe, changes: readonly string[]): Recipe | string {
  const changed: Record<string, unknown> = structuredClone(recipe);
  for (const change of changes) {
    const [path = "", value = ""] = change.split("=");
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    let at = changed;
    for (const key of keys) {
      const inner = isObject(at[key]) ? at[key] : {};
      at[key] = inner;
      at = inner;
    }
    if (value === "") delete at[last];
    else at[last] = Number.isNaN(Number(value)) ? value : Number(value);
  }
  try {
    return parseValue(`recipe with ${changes.join(" ")}`, recipeSchema, changed);
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
