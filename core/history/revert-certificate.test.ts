import { expect, test } from "vitest";
import type { VersionRecord } from "../protocol/schemas/version.ts";
import { revertCertificate } from "./revert-certificate.ts";

/** Version `number`, which merges contributions, each with the version that it was trained on. */
const merging = (number: number, ...inputs: readonly (readonly [string, base: number])[]) =>
  ({
    number,
    merge: {
      inputs: inputs.map(([contribution, base]) => ({ contribution, contributor: "ada", base })),
    },
  }) as unknown as VersionRecord;
const reverting = (number: number, contribution: string) =>
  ({ number, merge: null, revert: { contributions: [contribution] } }) as VersionRecord;

const records = [
  { number: 0, merge: null } as VersionRecord,
  merging(1, ["bad", 0], ["beside", 0]),
  merging(2, ["before", 0], ["learner", 1]),
  reverting(3, "bad"),
  merging(4, ["late learner", 2], ["clean", 3]),
];

test("V15: learners are those whose base has the reverted one in it, merged before the revert or after", () => {
  const found = revertCertificate(records, "bad");
  expect(found).toMatchObject({ version: 1, reverted: 3, left: 2 });
  if (typeof found === "string") throw new Error(found);
  expect(found.learners).toEqual([
    { contribution: "learner", contributor: "ada", base: 1, version: 2, reverted: null },
    { contribution: "late learner", contributor: "ada", base: 2, version: 4, reverted: null },
  ]);
});

test("V15: a certificate closes when none of its learners is left in the model", () => {
  const one = [...records, reverting(5, "learner")];
  expect(revertCertificate(one, "bad")).toMatchObject({ left: 1 });
  const both = [...one, reverting(6, "late learner")];
  expect(revertCertificate(both, "bad")).toMatchObject({ left: 0 });
  const alone = [...records.slice(0, 2), reverting(2, "bad")];
  expect(revertCertificate(alone, "bad")).toMatchObject({ left: 0, learners: [] });
});

test("V15: there is no certificate of what was never merged, or is in the model", () => {
  expect(revertCertificate(records, "other")).toBe("unknown");
  expect(revertCertificate(records, "learner")).toBe("merged");
});
