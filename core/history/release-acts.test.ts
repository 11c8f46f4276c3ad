import { expect, test } from "vitest";
import type { Deed, SignedAct } from "../protocol/schemas/act.ts";
import type { VersionRecord } from "../protocol/schemas/version.ts";
import { releaseActsOf, workSharesOf } from "./release-acts.ts";

const id = (n: number) => n.toString(16).padStart(64, "0");
const actsWith = (...deeds: readonly Deed[]) =>
  deeds.map((deed, number) => ({ record: { number, deed }, signature: "" }) as SignedAct);

const key: Deed = { kind: "release-key", key: `02${id(5)}` };
const released: Deed = {
  kind: "release",
  tag: "1.0.0",
  version: { number: 1, id: id(1) },
  recipe: id(9),
};
test("R11: a release's acts are its own and the one that vouches for the key, with the suites by name", () => {
  const found = releaseActsOf(actsWith(key, released), "1.0.0");
  expect(found).toMatchObject({ tag: "1.0.0", publicKey: `02${id(5)}`, recipe: id(9) });
  expect([found?.key, found?.release].map((act) => act?.record.deed.kind)).toEqual([
    "release-key",
    "release",
  ]);
});

test("R11: there is no bundle of what was taken back, of a release from before bundles, or without a key", () => {
  const { recipe, ...older } = released;
  expect(releaseActsOf(actsWith(key, { kind: "unrelease", tag: "1.0.0" }), "1.0.0")).toBeNull();
  const back = actsWith(key, released, { kind: "unrelease", tag: "1.0.0" });
  expect(releaseActsOf(back, "1.0.0")).toBeNull();
  expect(releaseActsOf(actsWith(key, older), "1.0.0")).toBeNull();
  expect(releaseActsOf(actsWith(released), "1.0.0")).toBeNull();
  expect(releaseActsOf(actsWith(key, released), "1.0.1")).toBeNull();
});

test("R11: whose work is in a version, without what it or an earlier one reverts, most first", () => {
  const merging = (
    ...inputs: readonly (readonly [contribution: number, contributor: number])[]
  ) => {
    const named = inputs.map(([a, b]) => ({ contribution: id(a), contributor: id(b) }));
    return { merge: { inputs: named } } as VersionRecord;
  };
  const records = [
    { merge: null } as VersionRecord,
    merging([1, 70], [2, 71]),
    merging([3, 71], [4, 72]),
    { merge: null, revert: { contributions: [id(4)] } } as VersionRecord,
  ];
  expect(workSharesOf(records)).toEqual([
    { contributor: id(71), contributions: 2 },
    { contributor: id(70), contributions: 1 },
  ]);
});
