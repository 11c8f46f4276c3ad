import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { acceptSuiteCommand, refuseSuiteCommand, withdrawSuiteCommand } from "./decide.ts";
import { getSuiteCommand, listSuitesCommand } from "./list.ts";
import { proposeSuiteCommand } from "./propose.ts";

/** `commonweight suite …`: tests that anybody proposes and a maintainer accepts. */
export function suiteCommand(terminal: Terminal): Command {
  return new Command("suite")
    .description("Tests that anybody proposes: accepted, they stop what makes the model worse.")
    .addCommand(proposeSuiteCommand(terminal))
    .addCommand(listSuitesCommand(terminal))
    .addCommand(getSuiteCommand(terminal))
    .addCommand(acceptSuiteCommand(terminal))
    .addCommand(refuseSuiteCommand(terminal))
    .addCommand(withdrawSuiteCommand(terminal));
}
