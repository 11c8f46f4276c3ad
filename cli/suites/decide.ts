import type { Command } from "commander";
import type { Maintainer } from "../../core/protocol/maintainer-client.ts";
import type { SuiteRequest } from "../../core/protocol/schemas/admin.ts";
import type { SuiteLife } from "../../core/protocol/schemas/suite.ts";
import {
  type ActOptions,
  actCommand,
  carryOut,
  commandLine,
  modelAt,
  openMaintainer,
} from "../maintaining/act.ts";
import type { Terminal } from "../terminal.ts";
import { findSuite, suiteLines } from "./suite-lines.ts";

type Decision = {
  readonly name: string;
  readonly summary: string;
  /** What would happen, in a sentence. */
  readonly outlook: string;
  question(name: string, model: string): string;
  perform(
    maintainer: Maintainer,
    request: SuiteRequest,
    options: { readonly signal: AbortSignal },
  ): Promise<SuiteLife>;
  told(name: string, model: string): string;
  /** What takes it back: the command after `commonweight suite`, or a sentence where there is none. */
  readonly undo: { readonly command: string } | { readonly sentence: string };
};

/** `commonweight suite accept`: from now on the suite can stop a merge. */
export function acceptSuiteCommand(terminal: Terminal): Command {
  return decisionCommand(terminal, {
    name: "accept",
    summary: "Let the gate test on a suite.",
    outlook:
      "From the next candidate on, no version may get worse on it by more than its margin. The signed history would say it, and everybody may read the examples.",
    question: (name, model) => `Let the gate of ${model} test on ${name}?`,
    perform: (maintainer, request, options) => maintainer.acceptSuite(request, options),
    told: (name, model) => `The gate of ${model} tests on ${name} from now on.`,
    undo: { command: "withdraw" },
  });
}

/** `commonweight suite refuse`: a suite that waits is not taken. */
export function refuseSuiteCommand(terminal: Terminal): Command {
  return decisionCommand(terminal, {
    name: "refuse",
    summary: "Refuse a suite that waits.",
    outlook: "Its file would be deleted, and its contributor would read the reason.",
    question: (name) => `Refuse ${name}?`,
    perform: (maintainer, request, options) => maintainer.refuseSuite(request, options),
    told: (name) => `${name} is refused.`,
    undo: { sentence: "its contributor can propose another file." },
  });
}

/** `commonweight suite withdraw`: the gate does not test on a suite any more. */
export function withdrawSuiteCommand(terminal: Terminal): Command {
  return decisionCommand(terminal, {
    name: "withdraw",
    summary: "Let the gate not test on an accepted suite any more.",
    outlook: "The signed history would say it. Versions that were tested on it stay as they are.",
    question: (name, model) => `Let the gate of ${model} not test on ${name} any more?`,
    perform: (maintainer, request, options) => maintainer.withdrawSuite(request, options),
    told: (name, model) => `The gate of ${model} does not test on ${name} any more.`,
    undo: { sentence: "a name is one suite's for ever. Propose the examples under another one." },
  });
}

function decisionCommand(terminal: Terminal, decision: Decision): Command {
  return actCommand(decision.name, decision.summary, "everyone")
    .argument("<model>", "a name, such as digits, or an address")
    .argument("<suite>", "its name or id")
    .action(async (text: string, named: string, options: ActOptions) => {
      const { signal } = terminal;
      const { relay, model } = modelAt(text);
      const { baseUrl, client, maintainer } = await openMaintainer(relay, options);
      const preview = await findSuite(client, { model, text: named }, { signal });
      const { name } = preview.header;
      const request = { model, suite: preview.id, reason: options.reason };
      const { undo } = decision;
      await carryOut(
        {
          preview,
          outlook: [...suiteLines(preview), decision.outlook],
          question: decision.question(name, model),
          perform: () => decision.perform(maintainer, request, { signal }),
          told: () => [decision.told(name, model)],
          undo:
            "command" in undo
              ? commandLine(`suite ${undo.command} ${model} ${name}`, baseUrl, options)
              : undo.sentence,
        },
        options,
        terminal,
      );
    });
}
