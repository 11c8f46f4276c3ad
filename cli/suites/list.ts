import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { maintainerCommand, modelAt, openMaintainer, type Where } from "../maintaining/act.ts";
import { relayWish } from "../options.ts";
import { counted } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { clientAt, findSuite, suiteLines } from "./suite-lines.ts";

type ListOptions = { readonly relay?: string; readonly json: boolean };

/** `commonweight suite list`: what was proposed, what became of it, what it has stopped. */
export function listSuitesCommand({ print, signal }: Terminal): Command {
  return new Command("list")
    .description("Say which suites a model has, who proposed them and what they have stopped.")
    .argument("<model>", "a name, such as digits, or an address")
    .addOption(relayWish())
    .option("--json", "print one JSON object", false)
    .action(async (text: string, options: ListOptions) => {
      const { client, model } = clientAt(text, options);
      const suites = await client.suites(model, { signal });
      if (options.json) return print(JSON.stringify({ model, suites }));
      if (suites.length === 0) print(`${model} has no suite beside its recipe's.`);
      for (const suite of suites) for (const line of suiteLines(suite)) print(line);
    });
}

/** `commonweight suite get`: the file of a suite that waits. */
export function getSuiteCommand({ print, signal }: Terminal): Command {
  return maintainerCommand("get", "Load the file of a suite, to look through its examples.")
    .argument("<model>", "a name, such as digits, or an address")
    .argument("<suite>", "its name or id")
    .requiredOption("--to <FILE>", "the new file, which safetensors reads")
    .action(async (text: string, suite: string, options: Where & { readonly to: string }) => {
      const { relay, model } = modelAt(text);
      const { client, maintainer } = await openMaintainer(relay, options);
      const { id } = await findSuite(client, { model, text: suite }, { signal });
      const bytes = await maintainer.suiteFile(id, { signal });
      await writeFile(options.to, bytes, { flag: "wx" });
      const told = { suite: id, file: options.to, sizeBytes: bytes.length };
      print(
        options.json
          ? JSON.stringify(told)
          : `${options.to} has ${counted(bytes.length, "byte")} of ${id}.`,
      );
    });
}
