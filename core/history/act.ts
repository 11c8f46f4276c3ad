import { type SigningKey, sha256, signId, verifyId } from "../crypto/signature.ts";
import { encodeCanonical } from "../protocol/canonical-json.ts";
import type { AcceptSuite, ActRecord, AddData, Deed, SignedAct } from "../protocol/schemas/act.ts";
import type { Recipe } from "../protocol/schemas/recipe.ts";
import { recipeChanges, recipeHash } from "./recipe-change.ts";
import {
  compareTags,
  type ReleasedRecord,
  releaseEvidence,
  tagObjection,
} from "./release-number.ts";
import type { VerifiedVersion } from "./version.ts";

/** An act's id (protocol R4): the SHA-256 of the RFC 8785 form of its record. */
export function actId(record: ActRecord): Promise<string> {
  return sha256(encodeCanonical(record));
}

/** Sign `record` with the relay's publishing key. */
export async function signAct(record: ActRecord, relayKey: SigningKey): Promise<SignedAct> {
  return { record, signature: await signId("act", await actId(record), relayKey) };
}

/** A contributed suite, as the acts have it. */
export type SuiteStanding = Omit<AcceptSuite, "kind"> & {
  /** The newest version when it was accepted. */
  readonly since: number;
  /** The newest version when it was withdrawn; null while it is in force. */
  readonly until: number | null;
};

/** Data that an act added. */
export type DataStanding = Omit<AddData, "kind"> & {
  /** The newest version when they came: work on it is the first that may have trained on them. */
  readonly since: number;
};

/** A release that an act made. */
export type ReleaseStanding = {
  readonly tag: string;
  readonly version: number;
  /** Whether an act took it back: its number stays taken. */
  readonly isTakenBack: boolean;
};

/** What the acts of a model come to. */
export type ModelStanding = {
  readonly acts: number;
  /** Why the model is retired; null where it is not. */
  readonly retired: string | null;
  /** Every suite that was accepted, in this order. */
  readonly suites: readonly SuiteStanding[];
  /** Every release since releases are acts, in the order of their acts. */
  readonly releases: readonly ReleaseStanding[];
  /** The key that signs releases for other tools; null where no act vouched for one. */
  readonly releaseKey: string | null;
  /** The recipe that the last act about it gave the model; null where none did. */
  readonly recipe: Recipe | null;
  /** All data that came later, in the order of their acts. */
  readonly data: readonly DataStanding[];
};

/** The first rule of the acts that one breaks (protocol R2, R4, R5, R7, R10, U6). */
export type ActFault =
  | "act-chain"
  | "act-signature"
  | "act-version"
  | "act-order"
  | "act-recipe"
  | "act-unproven"
  | "act-data";

/** An act by its number, and its id. */
export type ActPin = { readonly number: number; readonly id: string };

export type ActsVerdict =
  | {
      readonly ok: true;
      readonly standing: ModelStanding;
      /** Null where there is none. */
      readonly newest: ActPin | null;
    }
  | { readonly ok: false; readonly fault: ActFault; readonly message: string };

/** Whether `acts`, in their order, follow each other and the verified `chain`, and are signed with its key. */
export async function verifyActs(
  acts: readonly SignedAct[],
  chain: readonly VerifiedVersion[],
): Promise<ActsVerdict> {
  const { relayKey, model } = chain[0]!.record; // a chain has version 0
  let parent: string | null = null;
  let newest = 0;
  const standing: Standing = {
    retired: null,
    suites: [],
    releases: [],
    releaseKey: null,
    recipe: null,
    data: [],
  };
  for (const [number, { record, signature }] of acts.entries()) {
    const fail = (fault: ActFault, problem: string): ActsVerdict => {
      return { ok: false, fault, message: `act ${number}: ${problem}` };
    };
    if (record.number !== number || record.parent !== parent) {
      return fail("act-chain", `it does not follow ${parent ?? "nothing"}`);
    }
    if (record.model !== model) return fail("act-chain", `it is about ${record.model}`);
    const id = await actId(record);
    const isOwn = record.relayKey === relayKey;
    if (!isOwn || !(await verifyId("act", id, signature, relayKey))) {
      return fail("act-signature", `it is not signed by ${relayKey}`);
    }
    const { head } = record;
    if (head.number < newest || chain[head.number]?.id !== head.id) {
      return fail("act-version", `${head.id} was not version ${head.number} then`);
    }
    const { deed } = record;
    if (deed.kind === "release") {
      const { number, id } = deed.version;
      if (number > head.number || chain[number]?.id !== id) {
        return fail("act-version", `${id} was not version ${number} then`);
      }
    }
    const last = releaseInForce(standing, chain);
    const problem = await follow(standing, record);
    if (problem !== null) return fail(...problem);
    if (deed.kind === "release" && last !== null) {
      const evidence = releaseEvidence(chain[deed.version.number]!.record, last); // it was looked at above
      const objection = tagObjection(deed.tag, last.tag, evidence);
      if (objection !== null) return fail("act-unproven", `${deed.tag}: ${objection}`);
    }
    parent = id;
    newest = head.number;
  }
  const last = parent === null ? null : { number: acts.length - 1, id: parent };
  return { ok: true, standing: { acts: acts.length, ...standing }, newest: last };
}

/** The last release of the acts so far that none took back; null where there is none. */
function releaseInForce(
  { releases }: Pick<Standing, "releases">,
  chain: readonly VerifiedVersion[],
): ReleasedRecord | null {
  const last = releases.findLast(({ isTakenBack }) => !isTakenBack);
  return last === undefined ? null : { tag: last.tag, record: chain[last.version]!.record };
}

type Standing = {
  retired: string | null;
  suites: SuiteStanding[];
  releases: ReleaseStanding[];
  releaseKey: string | null;
  recipe: Recipe | null;
  data: DataStanding[];
};

/** Carry an act out on `standing`; or what is wrong with it. */
async function follow(
  standing: Standing,
  { deed, reason, head, model }: ActRecord,
): Promise<[ActFault, string] | null> {
  switch (deed.kind) {
    case "retire":
    case "unretire": {
      if ((deed.kind === "retire") !== (standing.retired === null)) {
        const state = standing.retired === null ? "not retired" : "retired";
        return ["act-order", `${deed.kind} of a model that is ${state}`];
      }
      standing.retired = deed.kind === "retire" ? reason : null;
      return null;
    }
    case "recipe": {
      const problem = await recipeProblem(standing.recipe, deed, model);
      if (problem !== null) return ["act-recipe", problem];
      standing.recipe = deed.recipe;
      return null;
    }
    case "release-key": {
      if (standing.releaseKey !== null) return ["act-order", "releases have a key already"];
      standing.releaseKey = deed.key;
      return null;
    }
    case "release": {
      const { tag, version, recipe } = deed;
      const problem = releaseProblem(standing.releases, tag);
      if (problem !== null) return ["act-order", problem];
      const known = standing.recipe;
      if (recipe !== undefined && known !== null && recipe !== (await recipeHash(known))) {
        return ["act-recipe", `the recipe of ${tag} is not the one before it`];
      }
      standing.releases.push({ tag, version: version.number, isTakenBack: false });
      return null;
    }
    case "unrelease": {
      const at = standing.releases.findIndex(({ tag }) => tag === deed.tag);
      const release = standing.releases[at];
      if (release?.isTakenBack === true) return ["act-order", `${deed.tag} was taken back before`];
      // a release from before releases were acts is none of these
      if (release !== undefined) standing.releases[at] = { ...release, isTakenBack: true };
      return null;
    }
    case "accept-suite": {
      const { kind, ...suite } = deed;
      if (standing.suites.some(({ name }) => name === suite.name)) {
        return ["act-order", `${suite.name} was the name of a suite before`];
      }
      if (!(await verifyId("suite", suite.suite, suite.signature, suite.contributor))) {
        return ["act-signature", `the suite ${suite.name} is not signed by ${suite.contributor}`];
      }
      standing.suites.push({ ...suite, since: head.number, until: null });
      return null;
    }
    case "withdraw-suite": {
      const at = standing.suites.findIndex(({ name }) => name === deed.name);
      const suite = standing.suites[at];
      if (suite === undefined || suite.until !== null) {
        return ["act-order", `${deed.name} is no suite that is in force`];
      }
      standing.suites[at] = { ...suite, until: head.number };
      return null;
    }
    case "add-data": {
      const { kind, ...data } = deed;
      const before = standing.data.at(-1);
      if (before !== undefined && data.first !== before.first + before.shards) {
        return [
          "act-data",
          `its first shard is ${data.first}, and ${before.first + before.shards} were there`,
        ];
      }
      standing.data.push({ ...data, since: head.number });
      return null;
    }
  }
}

/** Why no version can become release `tag` after `releases`; null if one can. */
function releaseProblem(releases: readonly ReleaseStanding[], tag: string): string | null {
  if (releases.some((each) => each.tag === tag)) return `${tag} named a version before`;
  const higher = releases.find((each) => !each.isTakenBack && compareTags(tag, each.tag) < 0);
  return higher === undefined ? null : `${tag} is lower than ${higher.tag}`;
}

/** What is wrong with an act that gives `model` another recipe than `known`, the last one that an act named. */
async function recipeProblem(
  known: Recipe | null,
  { before, recipe }: Extract<Deed, { kind: "recipe" }>,
  model: string,
): Promise<string | null> {
  if (recipe.id !== model) return `its recipe is of ${recipe.id}`;
  if (known === null) return null; // nothing before it says what the recipe was
  if ((await recipeHash(known)) !== before) return "it does not follow the recipe before it";
  const fixed = recipeChanges(known, recipe).find(({ effect }) => effect === null);
  return fixed === undefined ? null : `${fixed.field} may not change`;
}
