import type { Kysely } from "kysely";
import { parseJson } from "../../../core/protocol/canonical-json.ts";
import { metrics, type VersionSummary } from "../../../core/protocol/schemas/version.ts";
import type { Tables, VersionRow } from "../tables.ts";

const SUMMARY = [
  "number",
  "id",
  "parent",
  "created_at",
  "contributions",
  "contributors",
  "report",
] as const;

/** What a list says of a version: all but its record, which has megabytes in large cohorts. */
export type SummaryRow = Pick<VersionRow, (typeof SUMMARY)[number]>;

/** What of a version leads to its checkpoint. */
export type StepRow = Pick<VersionRow, "number" | "checkpoint" | "step" | "step_bytes">;

/** Where the path to a checkpoint begins. */
export type KeyframeRow = Pick<VersionRow, "number" | "checkpoint" | "narrow">;

const STEPS_A_READ = 256; // some 50 KB of rows; many a plan ends after the first

export function versionParts(db: Kysely<Tables>) {
  const ofModel = (model: string) =>
    db.selectFrom("versions").selectAll().where("model", "=", model);
  const stepsOf = (model: string) =>
    db
      .selectFrom("versions")
      .select(["number", "checkpoint", "step", "step_bytes"])
      .where("model", "=", model);
  return {
    version(model: string, number: number): Promise<VersionRow | undefined> {
      return ofModel(model).where("number", "=", number).executeTakeFirst();
    },
    versionById(model: string, id: string): Promise<VersionRow | undefined> {
      return ofModel(model).where("id", "=", id).executeTakeFirst();
    },
    /** Newest first, those before `before` if it is given. */
    versions(model: string, before: number | null, limit: number): Promise<SummaryRow[]> {
      const all = db
        .selectFrom("versions")
        .select(SUMMARY)
        .where("model", "=", model)
        .orderBy("number", "desc")
        .limit(limit);
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
    /**
     * What leads to the checkpoints of versions first…last, in ascending order; null if the steps weigh `tooManyBytes` or
     * more together.
     */
    async steps(
      model: string,
      first: number,
      last: number,
      tooManyBytes = Number.POSITIVE_INFINITY,
    ): Promise<StepRow[] | null> {
      const steps: StepRow[] = [];
      let bytes = 0;
      for (let from = first; from <= last; from += STEPS_A_READ) {
        const rows = await stepsOf(model)
          .where("number", ">=", from)
          .where("number", "<=", Math.min(last, from + STEPS_A_READ - 1))
          .orderBy("number")
          .execute();
        bytes += rows.reduce((sum, { step_bytes }) => sum + step_bytes, 0);
        if (bytes >= tooManyBytes) return null;
        steps.push(...rows);
      }
      return steps;
    },
    /** The newest version up to `number` whose whole checkpoint is kept. */
    keyframe(model: string, number: number): Promise<KeyframeRow | undefined> {
      return db
        .selectFrom("versions")
        .select(["number", "checkpoint", "narrow"])
        .where("model", "=", model)
        .where("number", "<=", number)
        .where("keyframe", "=", 1)
        .orderBy("number", "desc")
        .limit(1)
        .executeTakeFirst();
    },
  };
}

/** A version as lists and events tell it. */
export function summaryOf(row: SummaryRow): VersionSummary {
  return {
    number: row.number,
    id: row.id,
    parent: row.parent,
    createdAt: row.created_at,
    contributions: row.contributions,
    contributors: row.contributors,
    report: parseJson("report", metrics, new TextEncoder().encode(row.report)),
  };
}
