import type { Maintainer } from "../../core/protocol/maintainer-client.ts";
import type { ProposalLife } from "../../core/protocol/schemas/proposal.ts";
import { type ProposedTo, proposalOutlook } from "../words/proposals.ts";
import { shortId } from "../words/quantities.ts";
import type { MaintainerAct } from "./maintainer-act.ts";

/** What a maintainer can decide about a proposal that waits (protocol K2). */
export function proposalActsOf(
  acts: Maintainer,
  proposal: ProposalLife,
  to: ProposedTo,
): MaintainerAct[] {
  return [acceptProposalAct(acts, proposal, to), refuseProposalAct(acts, proposal, to)];
}

function acceptProposalAct(
  acts: Maintainer,
  proposal: ProposalLife,
  to: ProposedTo,
): MaintainerAct {
  const { id, model } = proposal;
  return {
    title: `Let patch ${shortId(id)} be judged for ${model}`,
    button: "Accept",
    look: async () => ({
      lines: [
        ...proposalOutlook(proposal, to),
        "It would be screened, scored and gated as any other. It would not be trained a second time: its data are the fork's.",
      ],
    }),
    async perform({ reason }, signal) {
      await acts.acceptProposal({ model, proposal: id, reason }, { signal });
      return `Patch ${shortId(id)} waits to be judged.`;
    },
    undo: "Once it is merged, its version's page can take it out again.",
  };
}

function refuseProposalAct(
  acts: Maintainer,
  proposal: ProposalLife,
  to: ProposedTo,
): MaintainerAct {
  const { id, model } = proposal;
  return {
    title: `Refuse patch ${shortId(id)}`,
    button: "Refuse",
    look: async () => ({
      lines: [
        ...proposalOutlook(proposal, to),
        "Its patch would be deleted here, and its author could read the reason.",
      ],
    }),
    async perform({ reason }, signal) {
      await acts.refuseProposal({ model, proposal: id, reason }, { signal });
      return `Patch ${shortId(id)} is refused.`;
    },
    undo: "After a week it can be proposed again.",
  };
}
