import type { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { switchCommand } from "./model-switch.ts";

/** `commonweight pause`: nothing is given out and nothing is merged until the model is resumed. */
export function pauseCommand(terminal: Terminal): Command {
  return switchCommand(terminal, {
    name: "pause",
    summary: "Merge nothing into a model until it is resumed.",
    readers: "maintainers",
    outlook: "No work would be given out, and what waits would rest. Reverts would go on.",
    question: (model) => `Pause ${model}?`,
    perform: (maintainer, request, options) => maintainer.pause(request, options),
    told: (model, { problem }) => `${model}: ${problem ?? "merging goes on"}`,
    back: "resume",
  });
}

/** `commonweight resume`: work is given out and merged again. */
export function resumeCommand(terminal: Terminal): Command {
  return switchCommand(terminal, {
    name: "resume",
    summary: "Merge into a model again.",
    readers: "maintainers",
    outlook: "Work would be given out again, and what waits would be judged and merged.",
    question: (model) => `Go on with ${model}?`,
    perform: (maintainer, request, options) => maintainer.resume(request, options),
    told: (model, { problem }) => `${model}: ${problem ?? "merging goes on"}`,
    back: "pause",
  });
}
