import type { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { switchCommand } from "./model-switch.ts";

/** `commonweight retire`: no work of a model is given out any more, which its history says. */
export function retireCommand(terminal: Terminal): Command {
  return switchCommand(terminal, {
    name: "retire",
    summary: "Give out no work of a model any more.",
    readers: "everyone",
    outlook:
      "What waits would be judged and merged; what is being made would be refused as `retired`. The signed history would say it. The model would stay readable.",
    question: (model) => `Retire ${model}?`,
    perform: (maintainer, request, options) => maintainer.retire(request, options),
    told: (model) => `${model} is retired.`,
    back: "unretire",
  });
}

/** `commonweight unretire`: work is given out again. */
export function unretireCommand(terminal: Terminal): Command {
  return switchCommand(terminal, {
    name: "unretire",
    summary: "Take a model's retirement back.",
    readers: "everyone",
    outlook: "Work would be given out again, and the signed history would say it.",
    question: (model) => `Take the retirement of ${model} back?`,
    perform: (maintainer, request, options) => maintainer.unretire(request, options),
    told: (model) => `${model} is not retired any more.`,
    back: "retire",
  });
}
