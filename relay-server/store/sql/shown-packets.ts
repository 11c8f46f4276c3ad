import type { Kysely } from "kysely";
import type { GateSuite } from "../../../core/gate/packets.ts";
import type { Tables } from "../tables.ts";
import type { Write } from "./group-commit.ts";

export function shownPacketParts(db: Kysely<Tables>, write: Write) {
  return {
    /** A jury is about to see a suite's packets up to number `packets`, that one not among them. Fewer than before change nothing. */
    noteShown(model: string, suite: GateSuite, packets: number): Promise<void> {
      return write(async (trx) => {
        await trx
          .insertInto("shown_packets")
          .values({ model, suite, packets })
          .onConflict((conflict) =>
            conflict
              .columns(["model", "suite"])
              .doUpdateSet({ packets })
              .where("shown_packets.packets", "<", packets),
          )
          .execute();
      });
    },
    /** How many of each suite's packets a jury has seen, or was about to. */
    async shownPackets(model: string): Promise<Readonly<Record<GateSuite, number>>> {
      const rows = await db
        .selectFrom("shown_packets")
        .select(["suite", "packets"])
        .where("model", "=", model)
        .execute();
      const of = (suite: GateSuite) => rows.find((row) => row.suite === suite)?.packets ?? 0;
      return { gate: of("gate"), protected: of("protected") };
    },
  };
}
