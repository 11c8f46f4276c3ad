import type { ProposalLife } from "../../core/protocol/schemas/proposal.ts";
import type { ForkOffer } from "../state/fork-offers.ts";
import { formatBytes, formatCount, plural, shortId } from "./quantities.ts";

/** What a fork offers: "3 patches, made for my-digits, which was forked from version 12 here". */
export function describeOffer({ fork, base, proposals }: ForkOffer): string {
  return `${plural(proposals.length, "patch", "patches")}, made for ${fork.model}, which was forked from version ${base} here`;
}

/** How much work is in a proposal: "trained on 600 examples, 3.0 kB". */
export const describeProposal = ({ examples, sizeBytes }: ProposalLife): string =>
  `trained on ${plural(examples, "example")}, ${formatBytes(sizeBytes)}`;

/** Where the model is that a proposal was made to. */
export type ProposedTo = {
  /** Number of its newest version. */
  readonly head: number;
  /** How many versions late work may be; null until it is known. */
  readonly stalenessLimit: number | null;
};

/** What deciding about a proposal goes by, in sentences for the maintainer's dialog. */
export function proposalOutlook(
  proposal: ProposalLife,
  { head, stalenessLimit }: ProposedTo,
): string[] {
  const { contributor, fork, base } = proposal;
  const behind = head - base;
  const isLate = stalenessLimit !== null && behind > stalenessLimit;
  return [
    `It is of ${shortId(contributor)}, ${describeProposal(proposal)}.`,
    `It was made for ${fork.model} of the relay ${shortId(fork.relayKey)}.`,
    `It was trained on version ${formatCount(base)} here, and the newest is version ${formatCount(head)}.`,
    ...(isLate
      ? [`The model merges nothing that is more than ${plural(stalenessLimit, "version")} behind.`]
      : []),
  ];
}
