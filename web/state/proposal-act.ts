import type { Maintainer } from "../../core/protocol/maintainer-client.ts";
import type { ProposalLife } from "../../core/protocol/schemas/proposal.ts";
import { type ProposedTo, proposalOutlook } from "../words/proposals.ts";
import { shortId } from "../words/quantities.ts";
import type { MaintainerAct } from "./maintainer-act.ts";

type Decision = Pick<MaintainerAct, "title" | "button" | "undo"> & {
  readonly decide: "acceptProposal" | "refuseProposal";
  /** What would follow, before it is decided. */
  readonly outlook: string;
  /** What is so once it is. */
  readonly done: string;
};

/** What a maintainer can decide about a proposal that waits (protocol K2). */
export function proposalActsOf(
  acts: Maintainer,
  proposal: ProposalLife,
  to: ProposedTo,
): MaintainerAct[] {
  const { id, model } = proposal;
  const patch = `patch ${shortId(id)}`;
  const decisions: readonly Decision[] = [
    {
      decide: "acceptProposal",
      title: `Let ${patch} be judged for ${model}`,
      button: "Accept",
      outlook:
        "It would be screened, scored and gated as any other. It would not be trained a second time: its data are the fork's.",
      done: `Patch ${shortId(id)} waits to be judged.`,
      undo: "Once it is merged, its version's page can take it out again.",
    },
    {
      decide: "refuseProposal",
      title: `Refuse ${patch}`,
      button: "Refuse",
      outlook: "Its patch would be deleted here, and its author could read the reason.",
      done: `Patch ${shortId(id)} is refused.`,
      undo: "After a week it can be proposed again.",
    },
  ];
  return decisions.map(({ decide, outlook, done, ...words }) => ({
    ...words,
    look: async () => ({ lines: [...proposalOutlook(proposal, to), outlook] }),
    async perform({ reason }, signal) {
      await acts[decide]({ model, proposal: id, reason }, { signal });
      return done;
    },
  }));
}
