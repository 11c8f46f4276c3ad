import type { Kysely, Transaction } from "kysely";
import type { BlankRequest, NamedContributor } from "../../../core/protocol/schemas/contributor.ts";
import type { Tables } from "../tables.ts";
import type { Write } from "./group-commit.ts";
import { addAudit } from "./maintainers.ts";

/** A name that its contributor signed at `signedAt`; null takes it back. */
export type SignedName = {
  readonly contributor: string;
  readonly name: string | null;
  /** What the name looks like. */
  readonly look: string | null;
  readonly signedAt: number;
};

export type Naming = "named" | "name-taken" | "name-blanked" | "name-late";

export function nameParts(db: Kysely<Tables>, write: Write) {
  return {
    /** Enter a name, unless somebody else has one that looks like it; the newest signature counts. */
    putName({ contributor, name, look, signedAt }: SignedName): Promise<Naming> {
      return write(async (trx) => {
        const known = await rowOf(trx, contributor);
        if (known !== undefined && Number(known.signed_at) >= signedAt) return "name-late";
        if (name !== null && (known?.blanked ?? null) !== null) return "name-blanked";
        if (look !== null) {
          const holders = trx.selectFrom("names").select("contributor").where("look", "=", look);
          const holder = await holders.executeTakeFirst();
          if (holder !== undefined && holder.contributor !== contributor) return "name-taken";
        }
        const row = { name, look, signed_at: signedAt };
        await trx
          .insertInto("names")
          .values({ contributor, ...row, blanked: null })
          .onConflict((conflict) => conflict.column("contributor").doUpdateSet(row))
          .execute();
        return "named";
      });
    },
    /** Take a name off every page, in one commit with the audit log. Its contributor may choose none until it is let. */
    blankName(act: BlankRequest & { readonly maintainer: string; readonly at: number }) {
      return write(async (trx) => {
        const { contributor, reason, maintainer, at } = act;
        const name = (await rowOf(trx, contributor))?.name ?? null;
        const row = { name: null, look: null, blanked: reason };
        await trx
          .insertInto("names")
          .values({ contributor, ...row, signed_at: 0 })
          .onConflict((conflict) => conflict.column("contributor").doUpdateSet(row))
          .execute();
        const note = name === null ? reason : `${reason} (it was “${name}”)`;
        await addAudit(trx, { at, maintainer, action: "blank-name", subject: contributor, note });
      });
    },
    /** Let a contributor choose a name again; nothing is done where they may. */
    unblankName(act: BlankRequest & { readonly maintainer: string; readonly at: number }) {
      return write(async (trx) => {
        const { contributor, reason, maintainer, at } = act;
        const known = await rowOf(trx, contributor);
        if ((known?.blanked ?? null) === null) return;
        const names = trx.updateTable("names").set({ blanked: null });
        await names.where("contributor", "=", contributor).execute();
        const action = "unblank-name";
        await addAudit(trx, { at, maintainer, action, subject: contributor, note: reason });
      });
    },
    /** What these contributors are called; those who never chose a name are missing. */
    async names(contributors: readonly string[]): Promise<NamedContributor[]> {
      if (contributors.length === 0) return [];
      return db
        .selectFrom("names")
        .select(["contributor", "name", "blanked"])
        .where("contributor", "in", contributors)
        .execute();
    },
  };
}

function rowOf(trx: Transaction<Tables>, contributor: string) {
  const names = trx.selectFrom("names").selectAll();
  return names.where("contributor", "=", contributor).executeTakeFirst();
}
