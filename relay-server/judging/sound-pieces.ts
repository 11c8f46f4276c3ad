import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import { damagedError, shardFile } from "../content/damage.ts";
import type { RelayContext } from "../context.ts";
import type { ShardRow } from "../store/tables.ts";

type SoundContext = Pick<RelayContext, "history" | "damage">;

/** What is drawn of a model's shards, with their files: what turns out damaged is noted, and it is drawn anew without it. */
export async function drawSound<T extends { readonly shards: readonly ShardRow[] }>(
  { history, damage }: SoundContext,
  model: string,
  draw: (shards: readonly ShardRow[]) => readonly T[],
): Promise<{ readonly one: T; readonly files: Uint8Array[] }[]> {
  const all = await history.shards(model);
  for (;;) {
    const shards = damage.unharmed(model, all);
    if (shards.length === 0) throw damagedError(`every shard of ${model}`);
    const drawn = await Promise.all(
      draw(shards).map(async (one) => {
        const reading = one.shards.map((shard) => damage.read(shardFile(model, shard)));
        return { one, files: (await Promise.all(reading)).filter((file) => file !== null) };
      }),
    );
    if (drawn.every(({ one, files }) => files.length === one.shards.length)) return drawn;
  }
}

/** The files of a ticket's shards; a damagedError names one that cannot be read. */
export function ticketFiles(
  { damage }: Pick<SoundContext, "damage">,
  { model, shards }: Ticket,
): Promise<Uint8Array[]> {
  return Promise.all(
    shards.map(async (shard) => {
      const file = shardFile(model, shard);
      const bytes = await damage.read(file);
      if (bytes === null) throw damagedError(`${file.name} of ${model}`);
      return bytes;
    }),
  );
}
