import type { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import {
  type ActOptions,
  actCommand,
  carryOut,
  commandLine,
  modelAt,
  openMaintainer,
} from "./act.ts";
import { standingLines } from "./pause.ts";

/** `commonweight retire`: no work of a model is given out any more, which its history says. */
export function retireCommand(terminal: Terminal): Command {
  return actCommand("retire", "Give out no work of a model any more.", "everyone")
    .argument("<model>", "a name, such as digits, or an address")
    .action((text: string, options: ActOptions) => setRetired(text, true, options, terminal));
}

/** `commonweight unretire`: work is given out again. */
export function unretireCommand(terminal: Terminal): Command {
  return actCommand("unretire", "Take a model's retirement back.", "everyone")
    .argument("<model>", "a name, such as digits, or an address")
    .action((text: string, options: ActOptions) => setRetired(text, false, options, terminal));
}

const RETIRING =
  "What waits would be judged and merged; what is being made would be refused as `retired`. The signed history would say it. The model would stay readable.";
const UNRETIRING = "Work would be given out again, and the signed history would say it.";

async function setRetired(
  text: string,
  retired: boolean,
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
      outlook: [...standingLines(preview), retired ? RETIRING : UNRETIRING],
      question: retired ? `Retire ${model}?` : `Take the retirement of ${model} back?`,
      perform: () =>
        retired ? maintainer.retire(request, { signal }) : maintainer.unretire(request, { signal }),
      told: () => [retired ? `${model} is retired.` : `${model} is not retired any more.`],
      undo: commandLine(`${retired ? "unretire" : "retire"} ${model}`, baseUrl, options),
    },
    options,
    terminal,
  );
}
