import type { Kysely } from "kysely";
import type { Tables } from "../tables.ts";
import type { Write } from "./group-commit.ts";
import { judgingParts } from "./judging.ts";
import { spotCheckParts } from "./spot-checks.ts";

/** The right to judge and publish a model: it is the holder's while the model has this fence. */
export type Held = { readonly model: string; readonly fence: number };

/** What judging writes about a contribution. */
export const VERDICTS = [
  ...(["passScreen", "passScore", "queue", "postpone", "refuseWaiting", "setAside"] as const),
  ...(["drawSpotCheck", "passSpotCheck", "failSpotCheck"] as const),
];
type VerdictName = (typeof VERDICTS)[number];
type VerdictParts = ReturnType<typeof judgingParts> & ReturnType<typeof spotCheckParts>;
type VerdictArguments<N extends VerdictName> = Parameters<VerdictParts[N]>;

export function verdictParts(db: Kysely<Tables>, write: Write) {
  return {
    /** Write one of the verdicts in a transaction that begins with a look at the fence; false, and nothing is written, where the model has another one. */
    async writeVerdict<N extends VerdictName>(
      { model, fence }: Held,
      name: N,
      args: VerdictArguments<N>,
    ): Promise<boolean> {
      let isHeld = false;
      const writeHeld: Write = (work) =>
        write(async (trx) => {
          const row = await trx
            .selectFrom("models")
            .select("fence")
            .where("id", "=", model)
            .executeTakeFirst();
          if (row?.fence !== fence) throw new AnotherHoldsError();
          isHeld = true;
          return work(trx);
        });
      const parts: VerdictParts = {
        ...judgingParts(db, writeHeld),
        ...spotCheckParts(db, writeHeld),
      };
      const verdict = parts[name] as (...rest: VerdictArguments<N>) => Promise<void>;
      await verdict(...args).catch((error: unknown) => {
        if (!(error instanceof AnotherHoldsError)) throw error;
      });
      return isHeld;
    },
  };
}

/** Undoes the write; its caller hears false. */
class AnotherHoldsError extends Error {}
