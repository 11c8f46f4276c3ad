import { styleText } from "node:util";
import { Command, CommanderError } from "commander";
import { backupCommand, restoreCommand } from "./backup.ts";
import { eraseCommand } from "./erase.ts";
import { judgeCommand } from "./judging/judge.ts";
import { auditCommand } from "./maintaining/audit.ts";
import { banCommand, unbanCommand } from "./maintaining/ban.ts";
import { judgeDismissCommand, judgeNameCommand, judgesCommand } from "./maintaining/judges.ts";
import { pauseCommand, resumeCommand } from "./maintaining/pause.ts";
import { recipeCommand } from "./maintaining/recipe.ts";
import { retireCommand, unretireCommand } from "./maintaining/retire.ts";
import { revertCommand } from "./maintaining/revert.ts";
import { tagCommand, untagCommand } from "./maintaining/tag.ts";
import { moveCommand } from "./move.ts";
import { addCommand } from "./owning/add.ts";
import { checkCommand } from "./owning/check.ts";
import { dataCommand } from "./owning/data.ts";
import { exportCommand } from "./owning/export.ts";
import { forkCommand } from "./owning/fork.ts";
import { newCommand } from "./owning/new.ts";
import { releaseCommand } from "./owning/release.ts";
import { serveCommand } from "./owning/serve.ts";
import { proposalCommand } from "./proposals/proposal.ts";
import { proposeCommand } from "./proposals/propose.ts";
import { bisectCommand } from "./reading/bisect.ts";
import { blameCommand } from "./reading/blame.ts";
import { certificateCommand } from "./reading/certificate.ts";
import { cloneCommand } from "./reading/clone.ts";
import { diffCommand } from "./reading/diff.ts";
import { logCommand, showCommand } from "./reading/log.ts";
import { pullCommand } from "./reading/pull.ts";
import { statCommand } from "./reading/stat.ts";
import { verifyCommand } from "./reading/verify.ts";
import { suiteCommand } from "./suites/suite.ts";
import type { Terminal } from "./terminal.ts";
import { tokenCommand } from "./token.ts";
import { volunteerCommand } from "./volunteer.ts";

/** Every `commonweight` command; what a command prints goes to `terminal`. */
export function createProgram(terminal: Terminal): Command {
  const program = new Command("commonweight")
    .description("Community models, built like open-source software.")
    .addCommand(newCommand(terminal))
    .addCommand(checkCommand(terminal))
    .addCommand(serveCommand(terminal))
    .addCommand(addCommand(terminal))
    .addCommand(dataCommand(terminal))
    .addCommand(forkCommand(terminal))
    .addCommand(exportCommand(terminal))
    .addCommand(logCommand(terminal))
    .addCommand(showCommand(terminal))
    .addCommand(diffCommand(terminal))
    .addCommand(blameCommand(terminal))
    .addCommand(bisectCommand(terminal))
    .addCommand(statCommand(terminal))
    .addCommand(verifyCommand(terminal))
    .addCommand(certificateCommand(terminal))
    .addCommand(cloneCommand(terminal))
    .addCommand(pullCommand(terminal))
    .addCommand(releaseCommand(terminal))
    .addCommand(volunteerCommand(terminal))
    .addCommand(suiteCommand(terminal))
    .addCommand(proposeCommand(terminal))
    .addCommand(proposalCommand(terminal))
    .addCommand(revertCommand(terminal))
    .addCommand(tagCommand(terminal))
    .addCommand(untagCommand(terminal))
    .addCommand(pauseCommand(terminal))
    .addCommand(resumeCommand(terminal))
    .addCommand(recipeCommand(terminal))
    .addCommand(retireCommand(terminal))
    .addCommand(unretireCommand(terminal))
    .addCommand(banCommand(terminal))
    .addCommand(unbanCommand(terminal))
    .addCommand(judgeCommand(terminal))
    .addCommand(judgesCommand(terminal))
    .addCommand(judgeNameCommand(terminal))
    .addCommand(judgeDismissCommand(terminal))
    .addCommand(auditCommand(terminal))
    .addCommand(tokenCommand(terminal))
    .addCommand(backupCommand(terminal))
    .addCommand(restoreCommand(terminal))
    .addCommand(moveCommand(terminal))
    .addCommand(eraseCommand(terminal));
  for (const command of family(program)) {
    command
      .exitOverride()
      .helpOption("-h, --help", "say what there is")
      .helpCommand(false)
      .configureHelp({ styleTitle: (title) => styleText("bold", title) }) // commander drops it off a terminal
      .configureOutput({
        writeOut: (text) => terminal.print(text.replace(/\n$/, "")),
        writeErr: (text) => terminal.fail(text.trimEnd()),
        outputError: (text) => terminal.fail(text.replace(/^error: /, "").trimEnd()),
      });
  }
  return program;
}

/**
 * Run the command that `words` name. Whatever goes wrong is one sentence on standard error and exit code 1: a wrong
 * call, a relay's refusal, a file that is not what it should be.
 */
export async function runCommandLine(words: readonly string[], terminal: Terminal): Promise<void> {
  try {
    await createProgram(terminal).parseAsync([...words], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return; // it has said what is wrong, or printed the help
    if (terminal.signal.aborted) return terminal.fail("Interrupted.");
    terminal.fail(error instanceof Error ? error.message : String(error));
  } finally {
    terminal.progress(null);
  }
}

function family(command: Command): Command[] {
  return [command, ...command.commands.flatMap(family)];
}
