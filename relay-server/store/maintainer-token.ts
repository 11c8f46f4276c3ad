import { join } from "node:path";
import { sha256 } from "../../core/crypto/signature.ts";
import { encodeHex } from "../../core/hex.ts";
import type { DataFolder } from "../content/data-folder.ts";
import { writeDurably } from "../content/durable-file.ts";
import type { RelayContext } from "../context.ts";

/**
 * Give the first maintainer a token, if nobody has one: in a file that only its owner can read; the ledger holds
 * its hash. Returns where the file is, or was before its owner moved it.
 */
export async function ensureMaintainer(
  { ledger, random, clock }: Pick<RelayContext, "ledger" | "random" | "clock">,
  { path, temporary }: DataFolder,
): Promise<string> {
  const file = join(path, "maintainer-token");
  if (await ledger.hasMaintainers()) return file;
  const token = new TextEncoder().encode(encodeHex(random(32)));
  await writeDurably(file, token, { temporary, mode: 0o600 });
  await ledger.putMaintainer("first", await sha256(token), clock());
  return file;
}
