import type { Command } from "commander";
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

/** `commonweight pause`: nothing is given out and nothing is merged until the model is resumed. */
export function pauseCommand(terminal: Terminal): Command {
  return actCommand("pause", "Merge nothing into a model until it is resumed.", "maintainers")
    .argument("<model>", "a name, such as digits, or an address")
    .action((text: string, options: ActOptions) => setPaused(text, true, options, terminal));
}

/** `commonweight resume`: work is given out and merged again. */
export function resumeCommand(terminal: Terminal): Command {
  return actCommand("resume", "Merge into a model again.", "maintainers")
    .argument("<model>", "a name, such as digits, or an address")
    .action((text: string, options: ActOptions) => setPaused(text, false, options, terminal));
}

async function setPaused(
  text: string,
  paused: boolean,
  options: ActOptions,
  terminal: Terminal,
): Promise<void> {
  const { signal } = terminal;
  const { relay, model } = modelAt(text);
  const { baseUrl, maintainer } = await openMaintainer(relay, options);
  const preview = await maintainer.previewModel(model, { signal });
  const request = { model, reason: options.reason };
  await carryOut(
    {
      preview,
      outlook: [...standingLines(preview), paused ? PAUSING : RESUMING],
      question: paused ? `Pause ${model}?` : `Go on with ${model}?`,
      perform: () =>
        paused ? maintainer.pause(request, { signal }) : maintainer.resume(request, { signal }),
      told: ({ problem }) => [`${model}: ${problem ?? "merging goes on"}`],
      undo: commandLine(`${paused ? "resume" : "pause"} ${model}`, baseUrl, options),
    },
    options,
    terminal,
  );
}

const PAUSING = "No work would be given out, and what waits would rest. Reverts would go on.";
const RESUMING = "Work would be given out again, and what waits would be judged and merged.";

/** Where a model stands. */
export function standingLines(preview: ModelPreview): string[] {
  const { model, head, paused, retired, waiting, tickets } = preview;
  const rest = waiting.received + waiting.scored + waiting.queued;
  return [
    `${model} is at version ${head}${paused ? ", and paused" : ""}.`,
    ...(retired === null ? [] : [`${model} is retired: ${retired}`]),
    `Waiting: ${counted(rest, "contribution")}. Being made: ${counted(tickets, "piece")} of work.`,
  ];
}
