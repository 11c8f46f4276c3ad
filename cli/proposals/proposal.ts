import { Command } from "commander";
import type { Maintainer } from "../../core/protocol/maintainer-client.ts";
import type { ProposalRequest } from "../../core/protocol/schemas/admin.ts";
import type { ProposalLife } from "../../core/protocol/schemas/proposal.ts";
import {
  type ActOptions,
  actCommand,
  carryOut,
  modelAt,
  openMaintainer,
} from "../maintaining/act.ts";
import { relayWish } from "../options.ts";
import { clientAt } from "../suites/suite-lines.ts";
import { shortHash } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { findProposal, proposalLines } from "./proposal-lines.ts";

/** `commonweight proposal …`: what forks offer, and what maintainers decide about it. */
export function proposalCommand(terminal: Terminal): Command {
  return new Command("proposal")
    .description("What forks of a model offer to it: a maintainer decides what is judged.")
    .addCommand(listProposalsCommand(terminal))
    .addCommand(
      decisionCommand(terminal, {
        name: "accept",
        summary: "Let a fork's contribution be judged.",
        outlook:
          "It would be screened, scored and gated as any other. It would not be trained a second time: its data are the fork's.",
        question: (id, model) => `Let ${id} be judged for ${model}?`,
        perform: (maintainer, request, options) => maintainer.acceptProposal(request, options),
        told: (id) => `${id} waits to be judged.`,
        undo: (id, model) => `once it is merged, npx commonweight revert ${model} ${id}`,
      }),
    )
    .addCommand(
      decisionCommand(terminal, {
        name: "refuse",
        summary: "Refuse a proposal that waits.",
        outlook: "Its patch would be deleted here, and its author could read the reason.",
        question: (id) => `Refuse ${id}?`,
        perform: (maintainer, request, options) => maintainer.refuseProposal(request, options),
        told: (id) => `${id} is refused.`,
        undo: () => "after a week it can be proposed again.",
      }),
    );
}

function listProposalsCommand({ print, signal }: Terminal): Command {
  return new Command("list")
    .description("Say what was proposed to a model, by whom, from which fork.")
    .argument("<model>", "a name, such as digits, or an address")
    .addOption(relayWish())
    .option("--json", "print one JSON object", false)
    .action(async (text: string, options: { readonly relay?: string; readonly json: boolean }) => {
      const { client, model } = clientAt(text, options);
      const proposals = await client.proposals(model, { signal });
      if (options.json) return print(JSON.stringify({ model, proposals }));
      if (proposals.length === 0) print(`Nothing was proposed to ${model}.`);
      for (const each of proposals) for (const line of proposalLines(each)) print(line);
    });
}

type Decision = {
  readonly name: string;
  readonly summary: string;
  readonly outlook: string;
  question(id: string, model: string): string;
  perform(
    maintainer: Maintainer,
    request: ProposalRequest,
    options: { readonly signal: AbortSignal },
  ): Promise<ProposalLife>;
  told(id: string): string;
  /** How to take it back, in words. */
  undo(id: string, model: string): string;
};

function decisionCommand(terminal: Terminal, decision: Decision): Command {
  return actCommand(decision.name, decision.summary, "everyone")
    .argument("<model>", "a name, such as digits, or an address")
    .argument("<proposal>", "the contribution's id, or how it begins")
    .action(async (text: string, named: string, options: ActOptions) => {
      const { signal } = terminal;
      const { relay, model } = modelAt(text);
      const { client, maintainer } = await openMaintainer(relay, options);
      const preview = await findProposal(client, { model, text: named }, { signal });
      const request = { model, proposal: preview.id, reason: options.reason };
      const name = shortHash(preview.id);
      await carryOut(
        {
          preview,
          outlook: [...proposalLines(preview), decision.outlook],
          question: decision.question(name, model),
          perform: () => decision.perform(maintainer, request, { signal }),
          told: () => [decision.told(name)],
          undo: decision.undo(preview.id, model),
        },
        options,
        terminal,
      );
    });
}
