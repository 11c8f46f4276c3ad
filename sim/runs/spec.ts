import { sha256 } from "../../core/crypto/signature.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import type { DilocoOptions } from "../baselines/diloco.ts";
import type { SparseLocoOptions } from "../baselines/sparse-loco.ts";
import type { CommunityOptions } from "../community/community.ts";
import type { Defence } from "../community/relay.ts";
import type { CommunityReport, Curve } from "../community/report.ts";

type Shared = {
  readonly model: string;
  /** "path=value" changes of the recipe. */
  readonly changes: readonly string[];
};

/** One community to be simulated; plain JSON. */
export type CommunitySpec = Shared &
  Omit<CommunityOptions, "without"> & {
    readonly way: "community";
    readonly without: readonly Defence[];
  };

/** One training in SparseLoCo's way. */
export type SparseLocoSpec = Shared & SparseLocoOptions & { readonly way: "sparse-loco" };

/** One training in DiLoCo's way. */
export type DilocoSpec = Shared & DilocoOptions & { readonly way: "diloco" };

export type RunSpec = CommunitySpec | SparseLocoSpec | DilocoSpec;
export type ReportOf<Spec extends RunSpec> = Spec extends CommunitySpec ? CommunityReport : Curve;

/** An honest community as shipped, with what differs. */
export function community(
  changes: Partial<Omit<CommunitySpec, "way">> & Pick<CommunitySpec, "seed">,
): CommunitySpec {
  return {
    way: "community",
    model: "digits",
    changes: [],
    volunteers: 10,
    versions: 20,
    liars: 0,
    attack: "noise",
    stale: 0,
    without: [],
    shards: "shipped",
    isProbed: false,
    isBurst: false,
    isLifelike: false,
    until: null,
    ...changes,
  };
}

/** What a run's result is kept under: it follows from the spec and from the code that runs it. */
export async function runKey(spec: RunSpec, code: string): Promise<string> {
  return (await sha256(encodeCanonical({ spec, code }))).slice(0, 32);
}

/** A run in a line, for people who wait. */
export function titleOf(spec: RunSpec): string {
  const { model, changes, volunteers, versions, seed } = spec;
  const size = `${model} ${volunteers} × ${versions}`;
  if (spec.way === "sparse-loco") {
    return [`${size}, SparseLoCo ${100 * spec.density}%`, ...changes, `seed ${seed}`].join(" ");
  }
  if (spec.way === "diloco") return [`${size}, DiLoCo`, ...changes, `seed ${seed}`].join(" ");
  const lies = spec.liars === 0 ? [] : [`${100 * spec.liars}% ${spec.attack}`];
  const without = spec.without.length === 0 ? [] : [`without ${spec.without.join()}`];
  const burst = spec.isBurst ? ["at once"] : [];
  const lifelike = spec.isLifelike ? ["lifelike"] : [];
  const shards = spec.shards === "shipped" ? [] : [`${spec.shards} shards`];
  return [
    size,
    ...lies,
    ...without,
    ...burst,
    ...lifelike,
    ...shards,
    ...changes,
    `seed ${seed}`,
  ].join(" ");
}
