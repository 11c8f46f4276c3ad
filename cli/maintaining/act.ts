import { readFile } from "node:fs/promises";
import { Command, Option } from "commander";
import { createRelayClient } from "../../core/protocol/client.ts";
import { reasonOption, relayAt, relayWish } from "../options.ts";
import { parseModelAddress } from "../reading/model-address.ts";
import type { Terminal } from "../terminal.ts";

/** Where a maintainer's request goes, and the file with the token that it carries. */
export type Where = {
  /** Origin of the relay, where the model's address does not say it. */
  readonly relay?: string;
  readonly tokenFile: string;
  readonly json: boolean;
};

/** Options of every command that changes something. */
export type ActOptions = Where & {
  readonly reason: string;
  /** Without asking. */
  readonly yes: boolean;
  /** Say what would happen, and do nothing. */
  readonly preview: boolean;
};

/** What a maintainer is about to do: shown first, then done. */
export type Act<Preview, Done> = {
  readonly preview: Preview;
  /** The preview in lines for people. */
  readonly outlook: readonly string[];
  /** Such as "Ban this contributor?" */
  readonly question: string;
  /** Throws where it is refused: nothing was changed then. */
  perform(): Promise<Done>;
  /** What was done, in lines for people. */
  told(done: Done): readonly string[];
  /** How to take it back: a command, or a sentence where there is none. */
  readonly undo: string;
};

export const tokenFileOption = () =>
  new Option(
    "--token-file <FILE>",
    "a maintainer's token; the relay prints where the first one is",
  );

/** A command for maintainers, with where it goes. */
export function maintainerCommand(
  name: string,
  description: string,
  token = tokenFileOption().makeOptionMandatory(),
): Command {
  return new Command(name)
    .description(description)
    .addOption(relayWish())
    .addOption(token)
    .option("--json", "print one JSON object", false);
}

/** A command that changes something: `readers` are those who read the reason. */
export function actCommand(
  name: string,
  description: string,
  readers: string,
  token?: Option,
): Command {
  return maintainerCommand(name, `${description} It says first what would happen, and asks.`, token)
    .addOption(reasonOption(readers))
    .option("-y, --yes", "do it without asking", false)
    .option("--preview", "only say what would happen", false);
}

/** The relay of `origin` or of --relay, as its maintainer sees it. */
export async function openMaintainer(origin: string | null, where: Where) {
  const baseUrl = relayAt(origin, where);
  const client = createRelayClient({ baseUrl, fetch });
  const maintainer = client.maintainer((await readFile(where.tokenFile, "utf8")).trim());
  return { baseUrl, client, maintainer };
}

/** The model that `text` names, and perhaps its relay and version. */
export function modelAt(text: string) {
  const { relay, folder, model, version } = parseModelAddress(text);
  if (folder !== null || model === null) {
    throw new Error(`${text} is no model of a relay: it is a name, or https://example.org/digits.`);
  }
  return { relay, model, version };
}

/** Such a command as `commonweight unban KEY`, to be copied. */
export function commandLine(words: string, baseUrl: string, { tokenFile }: Where): string {
  return `npx commonweight ${words} --relay ${baseUrl} --token-file ${tokenFile} --reason "WHY"`;
}

/** Show what an act would do, ask whether it is meant, do it and say how to take it back. */
export async function carryOut<Preview, Done>(
  { preview, outlook, question, perform, told, undo }: Act<Preview, Done>,
  options: Pick<ActOptions, "json" | "preview" | "yes">,
  terminal: Terminal,
): Promise<void> {
  const { print, fail } = terminal;
  if (!options.json) for (const line of outlook) print(line);
  if (options.preview) {
    if (options.json) print(JSON.stringify({ preview }));
    return;
  }
  const agreed = options.yes || (await terminal.ask(`${question} [y/N] `));
  if (agreed === null)
    return fail("Nothing was done: where nobody can be asked, --yes says that it is meant.");
  if (!agreed) return fail("Nothing was done.");
  const done = await perform();
  if (options.json) return print(JSON.stringify({ preview, done, undo }));
  for (const line of told(done)) print(line);
  print(`To take it back: ${undo}`);
}
