import { createRelayClient, type RelayClient } from "../../core/protocol/client.ts";
import type { SuiteLife } from "../../core/protocol/schemas/suite.ts";
import { modelAt } from "../maintaining/act.ts";
import { relayAt } from "../options.ts";
import { counted, percent, shortHash } from "../table.ts";

/** The model that `text` names, and its relay. Throws where neither `text` nor --relay says which relay. */
export function clientAt(text: string, options: { readonly relay?: string }) {
  const { relay, model } = modelAt(text);
  return { client: createRelayClient({ baseUrl: relayAt(relay, options), fetch }), model };
}

/** The suite of `model` that `text` names: by its name, the newest of it first, by its id, or by how that begins. Throws where it may be another's. */
export async function findSuite(
  client: RelayClient,
  { model, text }: { readonly model: string; readonly text: string },
  options: { readonly signal: AbortSignal },
): Promise<SuiteLife> {
  const suites = await client.suites(model, options);
  const named = suites.filter(({ header }) => header.name === text);
  const byId = suites.filter(({ id }) => text.length >= 8 && id.startsWith(text));
  if (byId.length > 1 || (byId.length > 0 && named.length > 0)) {
    throw new Error(`${text} is several suites of ${model}: write the whole id of one.`);
  }
  const found = byId[0] ?? named.find(({ state }) => state !== "refused") ?? named[0];
  if (found !== undefined) return found;
  throw new Error(`${model} has no suite ${text}: commonweight suite list ${model} names them.`);
}

/** A suite in lines for whoever decides about it. */
export function suiteLines({ id, header, examples, state, message, findings, stopped }: SuiteLife) {
  const { name, contributor, marginNats, reason, licence, use } = header;
  const lines = [
    `${name}: ${counted(examples, "example")}, margin ${marginNats} nats, ${licence}; ${state}.`,
    `  of ${shortHash(contributor)}, ${id}`,
    `  why: ${reason}`,
    `  use: ${use}`,
  ];
  if (message !== null) lines.push(`  ${state}: ${message}`);
  if (findings !== null) lines.push(...findingLines(findings, marginNats));
  if (stopped > 0) lines.push(`  kept ${counted(stopped, "contribution")} out`);
  return lines;
}

function findingLines(
  { version, setAside, head, release }: NonNullable<SuiteLife["findings"]>,
  marginNats: number,
): string[] {
  const aside =
    setAside.length === 0 ? "" : `; ${counted(setAside.length, "example")} set aside as noise`;
  const lines = [
    `  version ${version}: loss ${head.lossNats.toFixed(4)}, accuracy ${percent(head.accuracy)}${aside}`,
  ];
  const lost = head.lossNats - release.lossNats;
  if (lost > marginNats) {
    lines.push(
      `  version ${version} is worse on it than the release, version ${release.version}, by ${lost.toFixed(4)} nats: until another release nothing would pass`,
    );
  }
  return lines;
}
