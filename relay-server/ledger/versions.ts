import type { Kysely } from "kysely";
import type { Tables, VersionRow } from "./tables.ts";

export function versionParts(db: Kysely<Tables>) {
  const ofModel = (model: string) =>
    db.selectFrom("versions").selectAll().where("model", "=", model);
  return {
    version(model: string, number: number): Promise<VersionRow | undefined> {
      return ofModel(model).where("number", "=", number).executeTakeFirst();
    },
    versionById(model: string, id: string): Promise<VersionRow | undefined> {
      return ofModel(model).where("id", "=", id).executeTakeFirst();
    },
    /** Newest first, those before `before` if it is given. */
    versions(model: string, before: number | null, limit: number): Promise<VersionRow[]> {
      const all = ofModel(model).orderBy("number", "desc").limit(limit);
      return (before === null ? all : all.where("number", "<", before)).execute();
    },
    /** Versions first…last in ascending order. */
    versionsBetween(model: string, first: number, last: number): Promise<VersionRow[]> {
      return ofModel(model)
        .where("number", ">=", first)
        .where("number", "<=", last)
        .orderBy("number")
        .execute();
    },
    /** The newest version up to `number` whose whole checkpoint is kept. */
    keyframe(model: string, number: number): Promise<VersionRow | undefined> {
      return ofModel(model)
        .where("number", "<=", number)
        .where("keyframe", "=", 1)
        .orderBy("number", "desc")
        .executeTakeFirst();
    },
  };
}
