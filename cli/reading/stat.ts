import type { Command } from "commander";
import { countContributors } from "../../core/history/contributor-stats.ts";
import { shortHash, tableLines } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { ModelAddress } from "./model-address.ts";
import {
  openModel,
  type ReadingOptions,
  readCard,
  readChain,
  readingCommand,
  shardTitles,
} from "./open-model.ts";

/** `commonweight stat`: who made a model, from which data, under which licences. */
export function statCommand(terminal: Terminal): Command {
  return readingCommand(
    "stat",
    "Say who made a model and how much of it, from which data, under which licences.",
  ).action(async (address: ModelAddress, options: ReadingOptions) => {
    const { print, progress, signal } = terminal;
    const model = await openModel(address, options);
    const chain = await readChain(model, options, terminal);
    const stats = await countContributors(model.source, chain, {
      signal,
      onVersion: (number) => progress(`version ${number} of ${chain.length - 1}`),
    });
    const { recipe, parameters } = await readCard(model, signal);
    const titles = await shardTitles(model, signal);
    progress(null);
    const licences = {
      model: recipe.licence,
      patches: stats.licences,
      data: { licence: recipe.data.licence, source: recipe.data.source },
    };
    const shards = [...titles].map(([index, title]) => ({
      index,
      title,
      contributions: stats.shards.get(index) ?? 0,
    }));
    if (options.json) {
      const size = { versions: chain.length, parameters };
      const answer = {
        model: recipe.id,
        ...size,
        licences,
        contributors: stats.contributors,
        shards,
      };
      return print(JSON.stringify(answer));
    }
    print(
      terminal.style("bold", `${recipe.title}: ${parameters} parameters, ${chain.length} versions`),
    );
    const total = stats.contributors.reduce((sum, { credit }) => sum + credit, 0);
    const rows = stats.contributors.map(
      ({ contributor, merged, reverted, credit, first, last }) => [
        shortHash(contributor),
        merged,
        reverted,
        Math.round(credit),
        total === 0 ? "" : `${((100 * credit) / total).toFixed(1)}%`,
        `${first}–${last}`,
      ],
    );
    const head = ["contributor", "merged", "reverted", "credit", "share", "versions"];
    for (const line of tableLines([head, ...rows])) print(line);
    const used = shards.filter(({ contributions }) => contributions > 0).length;
    print(
      `${used} of ${shards.length} shards are in it: ${recipe.data.source} (${recipe.data.licence})`,
    );
    print(`licences: model ${recipe.licence}, patches ${stats.licences.join(", ") || "none yet"}`);
  });
}
