import type { Kysely, Transaction } from "kysely";
import { compareTags } from "../../../core/history/release-number.ts";
import type { TagRequest } from "../../../core/protocol/schemas/admin.ts";
import type { ReleaseRow, Tables, VersionRow } from "../tables.ts";
import type { Write } from "./group-commit.ts";
import { addAudit } from "./maintainers.ts";

export type Tagging = TagRequest & {
  readonly maintainer: string;
  readonly at: number;
  /** The last release that the maintainer's evidence is about; null where there was none. */
  readonly after: string | null;
};

/** What became of a tag. */
export type TagOutcome =
  | "tagged"
  | "version-unknown"
  | "tag-taken"
  /** The model has a release with a higher number. */
  | "tag-lower"
  /** Another version was tagged meanwhile. */
  | "overtaken";

export function releaseParts(db: Kysely<Tables>, write: Write) {
  return {
    /** Make a version a release, and write who did it into the audit log; or why it cannot be. */
    tag({ model, version, tag, reason, maintainer, at, after }: Tagging): Promise<TagOutcome> {
      return write(async (trx) => {
        const found = await trx
          .selectFrom("versions")
          .select("number")
          .where("model", "=", model)
          .where("number", "=", version)
          .executeTakeFirst();
        if (found === undefined) return "version-unknown";
        const releases = await trx
          .selectFrom("releases")
          .select("tag")
          .where("model", "=", model)
          .execute();
        if (releases.some((release) => release.tag === tag)) return "tag-taken";
        if (releases.some((release) => compareTags(tag, release.tag) < 0)) return "tag-lower";
        const last = await lastRelease(trx, model);
        if ((last?.tag ?? null) !== after) return "overtaken";
        await trx
          .insertInto("releases")
          .values({ model, tag, version, maintainer, tagged_at: at, act: 0 })
          .execute();
        const note = `version ${version} is ${tag}: ${reason}`;
        const act = await addAudit(trx, { at, maintainer, action: "tag", subject: model, note });
        await trx
          .updateTable("releases")
          .set({ act })
          .where("model", "=", model)
          .where("tag", "=", tag)
          .execute();
        return "tagged";
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
    .orderBy("act", "desc")
    .orderBy("tagged_at", "desc") // of those from before there were numbers
    .orderBy("version", "desc")
    .orderBy("tag", "desc")
    .executeTakeFirst();
}
