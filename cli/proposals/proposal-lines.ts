import type { RelayClient } from "../../core/protocol/client.ts";
import type { ProposalLife } from "../../core/protocol/schemas/proposal.ts";
import { counted, shortHash } from "../table.ts";

/** The proposal to `model` that `text` names, by its id or by how that begins. Throws where it may be another. */
export async function findProposal(
  client: RelayClient,
  { model, text }: { readonly model: string; readonly text: string },
  options: { readonly signal: AbortSignal },
): Promise<ProposalLife> {
  const proposals = await client.proposals(model, options);
  const [found, second] = proposals.filter(({ id }) => text.length >= 8 && id.startsWith(text));
  if (found !== undefined && second === undefined) return found;
  throw new Error(
    found === undefined
      ? `Nobody proposed ${text} to ${model}: commonweight proposal list ${model} names what was proposed.`
      : `${text} is several proposals to ${model}: write the whole id of one.`,
  );
}

/** A proposal in lines for whoever decides about it. */
export function proposalLines({
  id,
  contributor,
  fork,
  base,
  examples,
  sizeBytes,
  state,
  message,
}: ProposalLife): string[] {
  const lines = [
    `${id}: ${counted(examples, "example")}, ${counted(sizeBytes, "byte")}; ${state}.`,
    `  of ${shortHash(contributor)}, made for the fork ${fork.model} of ${fork.relayKey}, on version ${base} here`,
  ];
  if (message !== null) lines.push(`  ${state}: ${message}`);
  return lines;
}
