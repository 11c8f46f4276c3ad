import { expect, test } from "vitest";
import type { ProposalLife } from "../../core/protocol/schemas/proposal.ts";
import { proposalOutlook } from "./proposals.ts";

const proposal: ProposalLife = {
  id: "1".repeat(64),
  model: "digits",
  contributor: "ab".repeat(32),
  fork: { relayKey: "cd".repeat(32), model: "mine", version: "2".repeat(64), signature: "" },
  base: 3,
  examples: 600,
  sizeBytes: 3_000,
  state: "waiting",
  message: null,
  proposedAt: 1,
  decidedAt: null,
};
const LATE = "The model merges nothing that is more than 4 versions behind.";

test("words: a maintainer reads that a proposal is too late, as soon as it is", () => {
  const say = (head: number, stalenessLimit: number | null) =>
    proposalOutlook(proposal, { head, stalenessLimit });
  expect(say(7, 4)).not.toContain(LATE);
  expect(say(8, 4)).toContain(LATE);
  expect(say(8, null).join(" ")).not.toContain("behind");
});
