import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { checkRecipe, describeChecked } from "../../import/check.ts";
import { openModelFolder } from "../../import/model-folder.ts";
import type { Terminal } from "../terminal.ts";

/** `commonweight check`: what a model folder comes to, and what of it would not work. */
export function checkCommand(terminal: Terminal): Command {
  return new Command("check")
    .description("Say what a model folder comes to, and what of its recipe would not work.")
    .argument("<folder>", "as `commonweight new` made it")
    .option("--json", "as one object")
    .action(async (folder: string, { json = false }: { json?: boolean }) => {
      const { recipe, shardCount } = await openModelFolder(folder);
      const checked = checkRecipe(recipe, { shardCount, shardBytes: await shardBytesOf(folder) });
      if (json) terminal.print(JSON.stringify(checked, null, 2));
      else for (const line of describeChecked(checked)) terminal.print(line);
      if (checked.faults.length > 0) terminal.fail();
    });
}

/** Bytes of all shards of a model folder. */
export async function shardBytesOf(folder: string): Promise<number> {
  const path = join(folder, "shards");
  let total = 0;
  for (const name of await readdir(path)) total += (await stat(join(path, name))).size;
  return total;
}
