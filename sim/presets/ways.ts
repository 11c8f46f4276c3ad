import { type CommunitySpec, community, type SparseLocoSpec } from "../runs/spec.ts";
import { fisherPolicy } from "./fisher-policy.ts";
import type { TunedWay } from "./tuning.ts";

/** A way of training that the claims compare, and the learning rates it may choose from. */
export type Way = TunedWay<CommunitySpec | SparseLocoSpec> & {
  readonly name: string;
  /** Share of the entries that are sent; 1 for dense training. */
  readonly density: number;
};

const IN_FULL = "merge.outerStep=1"; // was best for all of them; with 2 nothing was gained

/** Of a community, and how its recipe differs. */
export type Size = {
  readonly model: string;
  readonly volunteers: number;
  readonly versions: number;
  readonly changes: readonly string[];
};

/** All entries trained and sent, everything else alike: what sparse patches are measured against. */
export function denseWay(size: Size, rates: Way["rates"]): Way {
  const changes = [...size.changes, IN_FULL, "mask.density=1", "mask.kind=random"];
  const spec = community({ ...size, changes, seed: "" });
  return { name: "dense", density: 1, spec, rates };
}

/** Masks of `kind`; random ones, which cost nothing, have no other name than their density. */
export function sparseWay(
  size: Size,
  kind: "random" | "shared" | "own",
  density: number,
  rates: Way["rates"],
): Way {
  const policy = kind === "random" ? [] : fisherPolicy(size.model);
  const changes = [
    ...size.changes,
    IN_FULL,
    `mask.density=${density}`,
    `mask.kind=${kind}`,
    ...policy,
  ];
  const spec = community({ ...size, changes, seed: "" });
  return { name: `${kind} ${100 * density}%`, density, spec, rates };
}

/** `way` with masks that are chosen by the Fisher information of so many examples. */
export function byMoreExamples(way: Way, examples: number): Way {
  const spec = { ...way.spec, changes: [...way.spec.changes, `mask.fisher.examples=${examples}`] };
  return { ...way, name: `${way.name}, ${examples} examples`, spec };
}

/** The largest entries of a dense delta with error feedback. */
export function sparseLocoWay(size: Size, density: number, bits: 2 | 4, rates: Way["rates"]): Way {
  const spec: SparseLocoSpec = {
    way: "sparse-loco",
    ...size,
    density,
    bits,
    until: null,
    changes: [],
    seed: "",
  }; // it merges in lockstep
  return { name: `SparseLoCo ${100 * density}%, ${bits} bits`, density, spec, rates };
}
