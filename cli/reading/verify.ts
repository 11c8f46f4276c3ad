import type { Command } from "commander";
import { FormatError } from "../../core/errors.ts";
import { HistoryError } from "../../core/history/history-fault.ts";
import { type HistoryReport, verifyHistory } from "../../core/history/verify-history.ts";
import { createRelayClient } from "../../core/protocol/client.ts";
import { isReleaseFolder, verifyRelease } from "../../export/release/verify-release.ts";
import { counted, shortHash } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { ModelAddress } from "./model-address.ts";
import {
  expected,
  historySentence,
  type OpenModel,
  openModel,
  type ReadingOptions,
  readingCommand,
  remember,
} from "./open-model.ts";
import { packetRunner } from "./run-packets.ts";

type VerifyFlags = ReadingOptions & { readonly full: boolean };

/** `commonweight verify`: recompute a public record. */
export function verifyCommand(terminal: Terminal): Command {
  return readingCommand(
    "verify",
    "Recompute a history from its public bytes, trusting nobody: hashes, signatures, the chain, every merge and revert bit by bit. Of a relay's address alone, all of its models. Of a folder of release, its files and signatures.",
  )
    .option(
      "--full",
      "compare what is served for downloading too, and run the gates again on the packets that they opened",
      false,
    )
    .action(async (address: ModelAddress, options: VerifyFlags) => {
      const { folder } = address;
      if (folder !== null && (await isReleaseFolder(folder))) {
        const report = await verifyReleaseFolder(folder, options, terminal);
        if (options.json) terminal.print(JSON.stringify({ releases: [report] }));
        return;
      }
      const reports = [];
      for (const each of await addressesOf(address)) {
        const model = await openModel(each, options);
        reports.push(await verify(model, options, terminal));
      }
      if (options.json) terminal.print(JSON.stringify({ models: reports }));
    });
}

/** A release as somebody handed it on: its bytes, and the relay's key where the reader has it. */
async function verifyReleaseFolder(
  folder: string,
  { key, json }: ReadingOptions,
  { print, fail, style }: Terminal,
): Promise<object> {
  try {
    const report = await verifyRelease(folder);
    const { model, tag, version, id, relayKey, files, suites } = report;
    if (key !== undefined && relayKey !== key) {
      throw new FormatError(`it is a release of the relay ${relayKey}, not of ${key}`);
    }
    if (!json) {
      print(
        `${style("green", "✓")} ${folder} is release ${tag} of ${model}: ${counted(files, "file")}, as the relay signed them.`,
      );
      print(`  key ${relayKey} (${key === undefined ? "as the folder says" : "as expected"})`);
      print(`  version ${version} is ${id}; its weights are the ones that the record names`);
      print(`  results of its gate on ${counted(suites, "suite")} are signed`);
    }
    return { folder, holds: true, ...report };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    fail(`${folder} does not verify: ${error.message}`);
    return { folder, holds: false, message: error.message };
  }
}

async function addressesOf(address: ModelAddress): Promise<ModelAddress[]> {
  const { relay, folder, model } = address;
  if (relay === null || folder !== null || model !== null) return [address];
  const models = await createRelayClient({ baseUrl: relay, fetch }).models();
  return models.map(({ recipe }) => ({ ...address, model: recipe.id }));
}

async function verify(model: OpenModel, options: VerifyFlags, terminal: Terminal): Promise<object> {
  const { place, source } = model;
  const held = await expected(model, options);
  try {
    const report = await verifyHistory(source, {
      ...held,
      full: options.full,
      evaluate: options.full ? packetRunner(model, terminal.signal) : undefined,
      signal: terminal.signal,
      onProgress: (phase, version, head) =>
        terminal.progress(`${place}: ${phase} ${version} of ${head}`),
    });
    await remember(model, options, report.pin);
    if (!options.json) {
      const { versions, merged, reverted, contributors, gates } = report;
      const counts = `${counted(versions, "version")}, ${counted(merged, "contribution")} of ${counted(contributors, "contributor")}, ${reverted} reverted`;
      terminal.print(`${terminal.style("green", "✓")} ${place} holds: ${counts}.`);
      const isFirst = held.pin === null && options.key === undefined;
      const seen =
        model.client === null && isFirst
          ? "as the folder says"
          : isFirst
            ? "first seen now"
            : "as expected";
      terminal.print(`  key ${report.pin.relayKey} (${seen})`);
      terminal.print(`  version ${report.pin.number} is ${report.pin.id}`);
      terminal.print(`  ${gatesSentence(gates, options.full)}`);
      for (const { tag, version, isTakenBack } of report.releases) {
        terminal.print(
          `  release ${tag} is version ${version}${isTakenBack ? ", taken back" : ""}`,
        );
      }
      for (const { name, contributor, since, until } of report.suites) {
        const ended = until === null ? "" : ` to ${until}`;
        terminal.print(
          `  suite ${name} of ${shortHash(contributor)}: in force since version ${since}${ended}`,
        );
      }
      if (report.retired !== null) terminal.print(`  retired: ${report.retired}`);
    }
    return { place, holds: true, ...report };
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    const { fault, version, message } = error;
    terminal.fail(historySentence(model, error));
    return { place, holds: false, model: source.model, fault, version, message };
  }
}

function gatesSentence({ fresh, reused }: HistoryReport["gates"], isFull: boolean): string {
  const again = isFull ? "run again, and they hold" : "--full runs them again";
  const open = `${counted(fresh, "gate")} on fresh packets${fresh > 0 ? ` (${again})` : ""}`;
  return `${open}, ${reused} on examples that only the relay has`;
}
