import type { ProposalLife } from "../../core/protocol/schemas/proposal.ts";
import type { ForkName } from "../../core/protocol/schemas/version.ts";

/** The proposals of one fork that wait for a maintainer. */
export type ForkOffer = {
  readonly fork: ForkName;
  /** Number of the upstream's version that the fork began as. */
  readonly base: number;
  readonly proposals: readonly ProposalLife[];
};

/** What waits of `proposals`, fork by fork, in the order in which they come. */
export function forkOffersOf(proposals: readonly ProposalLife[]): ForkOffer[] {
  const waiting = proposals.filter(({ state }) => state === "waiting");
  const offers = new Map<string, ProposalLife[]>();
  for (const each of waiting) {
    const known = offers.get(each.fork.version);
    if (known === undefined) offers.set(each.fork.version, [each]);
    else known.push(each);
  }
  return [...offers.values()].flatMap((own) => {
    const first = own[0];
    return first === undefined ? [] : [{ fork: first.fork, base: first.base, proposals: own }];
  });
}
