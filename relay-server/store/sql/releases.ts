import type { Kysely, Transaction } from "kysely";
import { compareTags } from "../../../core/history/release-number.ts";
import type { ActRow, ReleaseRow, Tables, VersionRow } from "../tables.ts";
import { type Acting, enterAct } from "./acts.ts";
import type { Write } from "./group-commit.ts";

export type Tagging = Acting & {
  readonly version: number;
  readonly tag: string;
  /** The last release that the maintainer's evidence is about; null where there was none. */
  readonly after: string | null;
  /** The act before, by which the relay's key vouches for the one that signs releases; null where an earlier one did. */
  readonly keyAct: ActRow | null;
};

/** What became of a tag. */
export type TagOutcome =
  | "tagged"
  | "tag-taken"
  /** The model has a release with a higher number. */
  | "tag-lower"
  /** Another version was tagged or published meanwhile. */
  | "overtaken";

export type Untagging = Acting & { readonly tag: string };

export type UntagOutcome = "untagged" | "tag-unknown" | "overtaken";

export function releaseParts(db: Kysely<Tables>, write: Write) {
  return {
    /** Make a version a release, by an act; or why it cannot be. */
    tag({ version, tag, after, keyAct, ...acting }: Tagging): Promise<TagOutcome> {
      const { model } = acting.act;
      return write(async (trx) => {
        const releases = await trx
          .selectFrom("releases")
          .select(["tag", "untagged_at"])
          .where("model", "=", model)
          .execute();
        if (releases.some((release) => release.tag === tag)) return "tag-taken";
        const inForce = releases.filter(({ untagged_at }) => untagged_at === null);
        if (inForce.some((release) => compareTags(tag, release.tag) < 0)) return "tag-lower";
        const last = await lastRelease(trx, model);
        if ((last?.tag ?? null) !== after) return "overtaken";
        if (keyAct !== null) {
          const certifying = { ...acting, act: keyAct };
          if ((await enterAct(trx, certifying, "release-key")) === null) return "overtaken";
        }
        const note = `version ${version} is ${tag}: ${acting.reason}`;
        const act = await enterAct(trx, acting, "tag", note);
        if (act === null) return "overtaken";
        const { maintainer, at } = acting;
        const untagged = { untagged_at: null };
        await trx
          .insertInto("releases")
          .values({ model, tag, version, maintainer, tagged_at: at, act, ...untagged })
          .execute();
        return "tagged";
      });
    },
    /** Take a release back, by an act: its number stays taken. */
    untag({ tag, ...acting }: Untagging): Promise<UntagOutcome> {
      const { model } = acting.act;
      return write(async (trx) => {
        const release = await trx
          .selectFrom("releases")
          .select("version")
          .where("model", "=", model)
          .where("tag", "=", tag)
          .where("untagged_at", "is", null)
          .executeTakeFirst();
        if (release === undefined) return "tag-unknown";
        const note = `version ${release.version} is ${tag} no more: ${acting.reason}`;
        if ((await enterAct(trx, acting, "untag", note)) === null) return "overtaken";
        await trx
          .updateTable("releases")
          .set({ untagged_at: acting.at })
          .where("model", "=", model)
          .where("tag", "=", tag)
          .execute();
        return "untagged";
      });
    },
    /** The model's last release: what was tagged last. */
    release: (model: string): Promise<ReleaseRow | undefined> => lastRelease(db, model),
    /**
     * The number of the version that candidates are compared with beside the head: the last release or, if it is later,
     * the last revert that a maintainer insisted on against the gate. Version 0 before there is either.
     */
    async standard(model: string): Promise<number> {
      const release = await lastRelease(db, model);
      const insisted = await db
        .selectFrom("reverts")
        .select(["version", "act"])
        .where("model", "=", model)
        .where("state", "=", "published")
        .where("message", "is not", null) // the gate spoke against it
        .orderBy("version", "desc")
        .executeTakeFirst();
      const isLater = Number(insisted?.act ?? 0) >= Number(release?.act ?? 0);
      return (isLater ? insisted?.version : release?.version) ?? 0;
    },
    versionByTag(model: string, tag: string): Promise<VersionRow | undefined> {
      return db
        .selectFrom("releases")
        .innerJoin("versions", (join) =>
          join
            .onRef("versions.model", "=", "releases.model")
            .onRef("versions.number", "=", "releases.version"),
        )
        .selectAll("versions")
        .where("releases.model", "=", model)
        .where("releases.tag", "=", tag)
        .where("untagged_at", "is", null)
        .executeTakeFirst();
    },
  };
}

function lastRelease(
  db: Kysely<Tables> | Transaction<Tables>,
  model: string,
): Promise<ReleaseRow | undefined> {
  return db
    .selectFrom("releases")
    .selectAll()
    .where("model", "=", model)
    .where("untagged_at", "is", null)
    .orderBy("act", "desc")
    .orderBy("tagged_at", "desc") // of those from before there were numbers
    .orderBy("version", "desc")
    .orderBy("tag", "desc")
    .executeTakeFirst();
}
