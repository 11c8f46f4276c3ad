import { stat } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../../core/crypto/signature.ts";
import { encodeHex } from "../../core/hex.ts";
import { type DraftFolder, writeDurably } from "../content/durable-file.ts";
import type { RelayContext } from "../context.ts";

type TokenContext = Pick<RelayContext, "people" | "random" | "clock">;

type NewToken = DraftFolder & {
  readonly name: string;
  readonly file: string;
  /** Who makes it; null for the relay itself, which the audit log does not tell of. */
  readonly by: string | null;
};

/** Who makes and revokes tokens by command, in the audit log: whoever can write the data folder. */
export const AT_THE_MACHINE = "at the relay's machine";

/**
 * Give the maintainer `name` a token in `file`, which only its owner can read; the ledger holds its hash. An earlier
 * token of that name is void from then on.
 */
export async function makeToken(
  { people, random, clock }: TokenContext,
  { name, file, by, temporary }: NewToken,
): Promise<void> {
  const token = new TextEncoder().encode(encodeHex(random(32)));
  await writeDurably(file, token, { temporary, mode: 0o600 });
  await people.putMaintainer(name, await sha256(token), { by, at: clock() });
}

/**
 * Give the first maintainer a token, if nobody has one. Returns where its file is or was, and what to say about it at the
 * start.
 */
export async function ensureMaintainer(
  context: TokenContext,
  { path, temporary }: DraftFolder & { readonly path: string },
): Promise<{ readonly file: string; readonly note: string }> {
  const file = join(path, "maintainer-token");
  if (!(await context.people.hasMaintainers())) {
    await makeToken(context, { name: "first", file, by: null, temporary });
  }
  const isThere = await stat(file).then(
    () => true,
    () => false, // moved, or not for this user to see: either way not to be found there
  );
  const note = isThere
    ? `The maintainer's token is in ${file}`
    : `The maintainer's token is not in ${file} any more. If it is lost, "npx commonweight token make --data-dir ${path} --name first" makes another.`;
  return { file, note };
}
