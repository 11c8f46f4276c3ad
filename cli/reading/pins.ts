import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import * as z from "zod/mini";
import type { Pin } from "../../core/history/verified-chain.ts";
import { parseJson } from "../../core/protocol/canonical-json.ts";
import { count, hash, publicKey } from "../../core/protocol/schemas/primitives.ts";
import { readFileIfAny, writeFileAtomic } from "../atomic-file.ts";

const pinFile = z.strictObject({
  format: z.literal("commonweight.pins/1"),
  /** By "origin/model". */
  pins: z.record(
    z.string(),
    z.strictObject({
      relayKey: publicKey,
      number: count,
      id: hash,
      act: z.optional(z.strictObject({ number: count, id: hash })),
    }),
  ),
});

/** What this machine remembers of the histories that it has read (protocol V10), in the file at `path`. */
export async function readPin(path: string, place: string): Promise<Pin | null> {
  return (await readAll(path))[place] ?? null;
}

export async function writePin(path: string, place: string, pin: Pin): Promise<void> {
  const all = await readAll(path);
  const known = all[place];
  // whoever reads the versions alone forgets no act
  const act = pin.act ?? (known?.relayKey === pin.relayKey ? known.act : undefined);
  const pins = { ...all, [place]: { ...pin, ...(act && { act }) } };
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomic(
    path,
    `${JSON.stringify({ format: "commonweight.pins/1", pins }, null, 2)}\n`,
  );
}

async function readAll(path: string): Promise<Record<string, Pin>> {
  const bytes = await readFileIfAny(path);
  return bytes === null ? {} : parseJson(path, pinFile, bytes).pins;
}
