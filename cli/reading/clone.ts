import { mkdir } from "node:fs/promises";
import { Argument, type Command } from "commander";
import { sha256 } from "../../core/crypto/signature.ts";
import { verifyHistory } from "../../core/history/verify-history.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import type { Terminal } from "../terminal.ts";
import type { ModelAddress } from "./model-address.ts";
import {
  expected,
  openModel,
  type ReadingOptions,
  readingCommand,
  remember,
} from "./open-model.ts";
import { keepingSource, recordFileIn, writeRecordFile } from "./record-folder.ts";

/** `commonweight clone`: the public record in a folder, verified on the way; again, it fetches what is new. */
export function cloneCommand(terminal: Terminal): Command {
  return readingCommand(
    "clone",
    "Copy a model's public record into a folder and verify it; what the folder has is not loaded again. Every reading command takes the folder in the model's place.",
  )
    .addArgument(new Argument("[folder]", "where to; the model's name, if it is left out"))
    .action((address: ModelAddress, folder: string | undefined, options: ReadingOptions) =>
      clone(address, folder, options, terminal),
    );
}

async function clone(
  address: ModelAddress,
  folder: string | undefined,
  options: ReadingOptions,
  { print, progress, signal }: Terminal,
): Promise<void> {
  const model = await openModel(address, options);
  const { client, source, place } = model;
  if (client === null) throw new Error(`${place} is a folder already.`);
  const into = folder ?? source.model;
  const relay = place.slice(0, -source.model.length - 1);
  const before = await recordFileIn(into);
  if (before !== null && (before.model !== source.model || before.relay !== relay)) {
    throw new Error(`${into} holds ${before.model} of ${before.relay}, not ${place}.`);
  }
  await mkdir(into, { recursive: true });
  const keeping = await keepingSource(source, into);
  const report = await verifyHistory(keeping, {
    ...(await expected(model, options)),
    signal,
    onProgress: (phase, version, head) => progress(`${place}: ${phase} ${version} of ${head}`),
  });
  const [base, card, shards, acts] = await Promise.all([
    source.baseManifest({ signal }),
    client.model(source.model, { signal }),
    client.shards(source.model, { signal }),
    client.acts(source.model, { signal }),
  ]);
  const head = report.pin.number;
  await writeRecordFile(into, {
    format: "commonweight.record/1",
    model: source.model,
    relay,
    head,
    card,
    shards,
    acts,
    base: await sha256(encodeCanonical(base)),
  });
  await remember(model, options, report.pin);
  print(
    options.json
      ? JSON.stringify({ folder: into, ...report })
      : `${place} is in ${into}: ${head + 1} versions, all verified.`,
  );
}
