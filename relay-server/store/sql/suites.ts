import type { Kysely, Transaction } from "kysely";
import { parseJson, parseValue } from "../../../core/protocol/canonical-json.ts";
import { MAX_SUITES_IN_FORCE } from "../../../core/protocol/limits.ts";
import {
  type SuiteFindings,
  type SuiteLife,
  suiteFindings,
  suiteHeader,
  suiteLife,
} from "../../../core/protocol/schemas/suite.ts";
import type { SuiteRow, Tables } from "../tables.ts";
import { type Acting, enterAct, modelRow } from "./acts.ts";
import type { Write } from "./group-commit.ts";
import { addAudit } from "./maintainers.ts";

/** Suites that wait at once: their files lie in the ledger. */
const MOST_WAITING = { model: 16, contributor: 1 };
/** Refused suites are listed and kept so that who proposed one reads why: strangers can have any number refused. */
const REFUSED = { listed: 64, keptMs: 7 * 24 * 3600_000 };

const UNDECIDED = ["received", "waiting"] as const;

/** A suite without its file. */
export type SuiteEntry = Omit<SuiteRow, "bytes">;

export type ProposalOutcome =
  | { readonly kind: "created" | "known"; readonly row: SuiteEntry }
  | { readonly kind: "refused"; readonly code: "suite-taken" | "suites-full" };

/** What became of an act about a suite: `overtaken` asks for another act. */
export type SuiteActOutcome = "done" | "overtaken" | "suite-decided" | "suites-full";

type SuiteActing = Acting & {
  readonly suite: string;
  /** The text of the recipe that it was looked at against. */
  readonly recipe: string;
};

export function suiteParts(db: Kysely<Tables>, write: Write) {
  return {
    /** Keep a proposal; the same one again is known. */
    proposeSuite(row: SuiteRow): Promise<ProposalOutcome> {
      return write(async (trx) => {
        await trx
          .deleteFrom("suites")
          .where("model", "=", row.model)
          .where("state", "=", "refused")
          .where("decided_at", "<", row.proposed_at - REFUSED.keptMs)
          .execute();
        const known = await entryOf(trx, row.id);
        if (known !== undefined) return { kind: "known", row: known };
        const named = await trx
          .selectFrom("suites")
          .select("id")
          .where("model", "=", row.model)
          .where("name", "=", row.name)
          .where("state", "<>", "refused")
          .executeTakeFirst();
        if (named !== undefined) return { kind: "refused", code: "suite-taken" };
        const waiting = await trx
          .selectFrom("suites")
          .select("contributor")
          .where("model", "=", row.model)
          .where("state", "in", [...UNDECIDED])
          .execute();
        const own = waiting.filter(({ contributor }) => contributor === row.contributor);
        if (waiting.length >= MOST_WAITING.model || own.length >= MOST_WAITING.contributor) {
          return { kind: "refused", code: "suites-full" };
        }
        await trx.insertInto("suites").values(row).execute();
        const { bytes, ...entry } = row;
        return { kind: "created", row: entry };
      });
    },
    suite: (id: string): Promise<SuiteEntry | undefined> => entryOf(db, id),
    /** A model's suites, the newest first; of those that were refused, the newest ones. */
    async suites(model: string): Promise<SuiteEntry[]> {
      const newest = () =>
        entries(db).where("model", "=", model).orderBy("proposed_at", "desc").orderBy("id");
      const refused = await newest().where("state", "=", "refused").limit(REFUSED.listed).execute();
      const others = await newest().where("state", "<>", "refused").execute();
      return [...refused, ...others].sort(
        (a, b) => Number(b.proposed_at) - Number(a.proposed_at) || (a.id < b.id ? -1 : 1),
      );
    },
    /** Those that the gate tests on, in the order of their acceptance. */
    suitesInForce(model: string): Promise<SuiteEntry[]> {
      return entries(db)
        .where("model", "=", model)
        .where("state", "=", "accepted")
        .orderBy("act")
        .execute();
    },
    /** The file of a suite that is not decided about. */
    async suiteBytes(id: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
      const row = await db
        .selectFrom("suites")
        .select("bytes")
        .where("id", "=", id)
        .executeTakeFirst();
      return row?.bytes == null ? undefined : new Uint8Array(row.bytes);
    },
    /** The suite that has waited longest for the relay to look at it. */
    nextSuite(model: string): Promise<SuiteEntry | undefined> {
      return entries(db)
        .where("model", "=", model)
        .where("state", "=", "received")
        .orderBy("proposed_at")
        .orderBy("id")
        .executeTakeFirst();
    },
    /** The relay looked at a suite: it waits for a maintainer. */
    async noteFindings(id: string, findings: SuiteFindings): Promise<void> {
      await write((trx) =>
        trx
          .updateTable("suites")
          .set({ state: "waiting", findings: JSON.stringify(findings) })
          .where("id", "=", id)
          .where("state", "=", "received")
          .execute(),
      );
    },
    /** Refuse a suite that is not decided about; false if it is. Without a maintainer it is the relay that refuses. */
    refuseSuite(
      id: string,
      { message, maintainer, at }: { message: string; maintainer: string | null; at: number },
    ): Promise<boolean> {
      return write(async (trx) => {
        const change = { state: "refused", message, decided_at: at, bytes: null };
        const row = await decide(trx, id, UNDECIDED, change);
        if (row === undefined) return false;
        if (maintainer !== null) {
          const action = "refuse-suite";
          await addAudit(trx, { at, maintainer, action, subject: id, note: message });
        }
        return true;
      });
    },
    /** The gate tests on a suite from now on: the act and what it says, in one commit. */
    acceptSuite({ suite, recipe, ...acting }: SuiteActing): Promise<SuiteActOutcome> {
      return write(async (trx) => {
        const { model, number } = acting.act;
        const entry = await entryOf(trx, suite);
        if (entry?.state !== "waiting") return "suite-decided";
        const inForce = await trx
          .selectFrom("suites")
          .select("id")
          .where("model", "=", model)
          .where("state", "=", "accepted")
          .execute();
        if (inForce.length >= MAX_SUITES_IN_FORCE) return "suites-full";
        if ((await modelRow(trx, model))?.recipe !== recipe) return "overtaken";
        if ((await enterAct(trx, acting, "accept-suite")) === null) return "overtaken";
        const change = { state: "accepted", decided_at: acting.at, act: number, bytes: null };
        await decide(trx, suite, ["waiting"], change);
        return "done";
      });
    },
    /** The gate does not test on a suite any more. */
    withdrawSuite({ suite, ...acting }: Omit<SuiteActing, "recipe">): Promise<SuiteActOutcome> {
      return write(async (trx) => {
        const entry = await entryOf(trx, suite);
        if (entry?.state !== "accepted") return "suite-decided";
        if ((await enterAct(trx, acting, "withdraw-suite")) === null) return "overtaken";
        const change = { state: "withdrawn", message: acting.reason, decided_at: acting.at };
        await decide(trx, suite, ["accepted"], change);
        return "done";
      });
    },
    /** Count contributions that a suite kept out. */
    async noteStopped(id: string, contributions: number): Promise<void> {
      await write((trx) =>
        trx
          .updateTable("suites")
          .set((eb) => ({ stopped: eb("stopped", "+", contributions) }))
          .where("id", "=", id)
          .execute(),
      );
    },
  };
}

function entries(db: Kysely<Tables> | Transaction<Tables>) {
  return db
    .selectFrom("suites")
    .select([
      ...(["id", "model", "name", "contributor", "signature", "header", "examples"] as const),
      ...(["size_bytes", "state", "message", "findings", "proposed_at"] as const),
      ...(["decided_at", "act", "stopped"] as const),
    ]);
}

function entryOf(
  db: Kysely<Tables> | Transaction<Tables>,
  id: string,
): Promise<SuiteEntry | undefined> {
  return entries(db).where("id", "=", id).executeTakeFirst();
}

/** Undefined where the suite is at none of `from`. */
function decide(
  trx: Transaction<Tables>,
  id: string,
  from: readonly string[],
  change: Partial<SuiteRow>,
) {
  return trx
    .updateTable("suites")
    .set(change)
    .where("id", "=", id)
    .where("state", "in", [...from])
    .returning("id")
    .executeTakeFirst();
}

/** Refuse what is not decided about of a contributor's suites. */
export async function refuseSuitesOf(
  trx: Transaction<Tables>,
  contributor: string,
  { message, at }: { readonly message: string; readonly at: number },
): Promise<void> {
  await trx
    .updateTable("suites")
    .set({ state: "refused", message, decided_at: at, bytes: null })
    .where("contributor", "=", contributor)
    .where("state", "in", [...UNDECIDED])
    .execute();
}

/** A suite as everybody reads of it. */
export function suiteLifeOf(row: SuiteEntry): SuiteLife {
  const bytesOf = (text: string) => new TextEncoder().encode(text);
  return {
    id: row.id,
    header: parseJson("suite header", suiteHeader, bytesOf(row.header)),
    signature: row.signature,
    examples: row.examples,
    sizeBytes: row.size_bytes,
    state: parseValue("state", suiteLife.shape.state, row.state),
    message: row.message,
    findings:
      row.findings === null ? null : parseJson("findings", suiteFindings, bytesOf(row.findings)),
    proposedAt: Number(row.proposed_at),
    decidedAt: row.decided_at === null ? null : Number(row.decided_at),
    stopped: row.stopped,
  };
}
