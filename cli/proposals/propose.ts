import type { Command } from "commander";
import { readMerged } from "../../core/history/merged-patches.ts";
import { encodeProposal } from "../../core/history/proposal.ts";
import type { VerifiedVersion } from "../../core/history/version.ts";
import { createRelayClient, type RelayClient } from "../../core/protocol/client.ts";
import type { ProposalLife } from "../../core/protocol/schemas/proposal.ts";
import type { MergeInputRecord } from "../../core/protocol/schemas/version.ts";
import { modelAt } from "../maintaining/act.ts";
import type { ModelAddress } from "../reading/model-address.ts";
import {
  type OpenModel,
  openModel,
  type ReadingOptions,
  readChain,
  readingCommand,
} from "../reading/open-model.ts";
import { counted } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import { proposalLines } from "./proposal-lines.ts";

type Options = ReadingOptions & { readonly to?: string };

/** `commonweight propose`: a fork's contributions are offered to the model that it was forked from. */
export function proposeCommand(terminal: Terminal): Command {
  return readingCommand(
    "propose",
    "Offer contributions that a fork merged to the model that it was forked from. They keep their authors' signatures and credit; a maintainer there decides whether they are judged.",
  )
    .argument("<work...>", "contributions by id, or versions of the fork, such as 0..3")
    .option(
      "--to <address>",
      "the other model, such as https://example.org/digits; where the fork was made by default",
    )
    .action((address: ModelAddress, work: string[], options: Options) =>
      propose(address, work, options, terminal),
    );
}

async function propose(
  address: ModelAddress,
  work: readonly string[],
  options: Options,
  terminal: Terminal,
): Promise<void> {
  const { print, fail, signal } = terminal;
  const fork = await openModel(address, options);
  const chain = await readChain(fork, options, terminal);
  const upstream = chain[0]!.record.lineage?.[0]; // a chain has version 0
  if (upstream === undefined)
    throw new Error(`${fork.place} is no fork: it can propose to nobody.`);
  const { offered, left } = chosen(fork, chain, work);
  const to = modelAt(options.to ?? `${upstream.url}/${upstream.model}`);
  if (to.relay === null) throw new Error("--to is an address, such as https://example.org/digits.");
  const client = createRelayClient({ baseUrl: to.relay, fetch });
  const proposals: ProposalLife[] = [];
  for (const each of offered) {
    try {
      proposals.push(await send(client, to.model, { fork, chain, each, signal }));
    } catch (error) {
      if (offered.length === 1 || signal.aborted) throw error;
      fail(`${each.input.contribution}: ${error instanceof Error ? error.message : error}`);
    }
  }
  if (options.json) return print(JSON.stringify({ model: to.model, proposals, left }));
  for (const life of proposals) for (const line of proposalLines(life)) print(line);
  if (left > 0) {
    print(
      `${counted(left, "contribution")} left out: ${to.model} has no version that they were trained on.`,
    );
  }
  if (proposals.length > 0) print(`A maintainer of ${to.model} decides.`);
}

/** A merged contribution, and the version that merged it. */
type Offered = { readonly input: MergeInputRecord; readonly version: VerifiedVersion };

/** What `work` names, without what was reverted; `left` counts what no version of the upstream is the base of. */
function chosen(
  { place }: OpenModel,
  chain: readonly VerifiedVersion[],
  work: readonly string[],
): { readonly offered: readonly Offered[]; readonly left: number } {
  const reverted = new Set(chain.flatMap(({ record }) => record.revert?.contributions ?? []));
  const all = chain.flatMap((version) =>
    (version.record.merge?.inputs ?? []).map((input) => ({ input, version })),
  );
  const standing = all.filter(({ input }) => !reverted.has(input.contribution));
  const named = new Set<Offered>();
  for (const text of work) {
    const [, from, to] = /^(\d{1,9})\.\.(\d{1,9})$/.exec(text) ?? [];
    if (to !== undefined && Number(to) >= chain.length) {
      throw new Error(`${place} has no version ${to}: its newest is ${chain.length - 1}.`);
    }
    const found = standing.filter(({ input, version: { record } }) =>
      to === undefined
        ? text.length >= 8 && input.contribution.startsWith(text)
        : record.number > Number(from) && record.number <= Number(to),
    );
    if (found.length === 0) throw new Error(`${text} names nothing that ${place} has merged.`);
    for (const each of found) named.add(each);
  }
  const offered = [...named].filter(({ input }) => input.base === 0 && input.fork === undefined);
  const left = named.size - offered.length;
  if (offered.length > 0) return { offered, left };
  throw new Error(
    `${counted(left, "contribution")} of ${place}, and none was trained on its version 0: the upstream has no version that ${left === 1 ? "it was" : "they were"} trained on.`,
  );
}

async function send(
  client: RelayClient,
  model: string,
  {
    fork: { source },
    chain,
    each: { input, version },
    signal,
  }: {
    readonly fork: OpenModel;
    readonly chain: readonly VerifiedVersion[];
    readonly each: Offered;
    readonly signal: AbortSignal;
  },
): Promise<ProposalLife> {
  const { bytes } = await readMerged(source, chain, input, version.record, { signal });
  const body = encodeProposal({
    fork: await source.version(0, { signal }),
    patch: Uint8Array.from(bytes),
  });
  const { contribution: id, signature } = input;
  const life = await client.putProposal(model, { id, body, signature }, { signal });
  if (life.state === "refused") throw new Error(`The proposal was refused: ${life.message}`);
  return life;
}
