import type { Command } from "commander";
import type { Maintainer } from "../../core/protocol/maintainer-client.ts";
import type { ModelActRequest } from "../../core/protocol/schemas/admin.ts";
import type { ModelPreview } from "../../core/protocol/schemas/previews.ts";
import { counted } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import {
  type ActOptions,
  actCommand,
  carryOut,
  commandLine,
  modelAt,
  openMaintainer,
} from "./act.ts";

/** An act that turns something of a model on or off. */
export type ModelSwitch<Answer> = {
  readonly name: string;
  readonly summary: string;
  /** Who reads the reason. */
  readonly readers: string;
  /** What would happen, in a sentence. */
  readonly outlook: string;
  question(model: string): string;
  perform(
    maintainer: Maintainer,
    request: ModelActRequest,
    options: { readonly signal: AbortSignal },
  ): Promise<Answer>;
  told(model: string, answer: Answer): string;
  /** The command that turns it back. */
  readonly back: string;
};

/** The command of a switch: it says where the model stands and what would happen, asks, and does it. */
export function switchCommand<Answer>(terminal: Terminal, act: ModelSwitch<Answer>): Command {
  return actCommand(act.name, act.summary, act.readers)
    .argument("<model>", "a name, such as digits, or an address")
    .action(async (text: string, options: ActOptions) => {
      const { signal } = terminal;
      const { relay, model } = modelAt(text);
      const { baseUrl, maintainer } = await openMaintainer(relay, options);
      const preview = await maintainer.previewModel(model, { signal });
      const request = { model, reason: options.reason };
      await carryOut(
        {
          preview,
          outlook: [...standingLines(preview), act.outlook],
          question: act.question(model),
          perform: () => act.perform(maintainer, request, { signal }),
          told: (answer) => [act.told(model, answer)],
          undo: commandLine(`${act.back} ${model}`, baseUrl, options),
        },
        options,
        terminal,
      );
    });
}

/** Where a model stands. */
function standingLines(preview: ModelPreview): string[] {
  const { model, head, paused, retired, waiting, tickets } = preview;
  const rest = waiting.received + waiting.scored + waiting.queued;
  return [
    `${model} is at version ${head}${paused ? ", and paused" : ""}.`,
    ...(retired === null ? [] : [`${model} is retired: ${retired}`]),
    `Waiting: ${counted(rest, "contribution")}. Being made: ${counted(tickets, "piece")} of work.`,
  ];
}
