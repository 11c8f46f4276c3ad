import {
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  PostgresDialect,
  type PostgresDialectConfig,
  PostgresDriver,
  type TransactionSettings,
} from "kysely";
import pg from "pg";
import { isSilence } from "../../storage-error.ts";
import type { Tables } from "../tables.ts";

const CONNECTIONS = 8; // one writes; reads take microseconds, and a few may be long
const CONNECT_MS = 5000; // for a new connection or a free one; a server that starts again is back by then
const WRITERS = 0x636f6d77; // "comw": the lock that writers take in turn

/** How long, in milliseconds, whoever uses the database waits for it; 0 is for ever. */
export type DatabaseWaits = {
  /** A transaction whose process does nothing: it sleeps perhaps, and keeps the others from writing. */
  readonly stuckMs: number;
  /** A lock that somebody else holds. */
  readonly lockMs: number;
  /** One statement. */
  readonly statementMs: number;
  /** A server that says nothing at all, as one that is frozen or cut off. */
  readonly silenceMs: number;
};

/** Of a relay, whose visitors wait for an answer. */
const SHORT: DatabaseWaits = {
  stuckMs: 4000,
  lockMs: 5000, // as long as for SQLite's (protocol H25)
  statementMs: 30_000, // a statement takes milliseconds, and the longest, a sweep of a large table, some seconds
  silenceMs: 35_000, // the server's own word comes first, where there is one
};

/** Of a command or a migration, which may take as long as it takes. */
export const ENDLESS: DatabaseWaits = { stuckMs: 0, lockMs: 0, statementMs: 0, silenceMs: 0 };

/** PostgreSQL's bigint is a string for `pg`; the ledger's are times and counts, far below 2^53. */
const types = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (oid === pg.types.builtins.INT8) return Number;
    return format === "binary"
      ? pg.types.getTypeParser(oid, "binary")
      : pg.types.getTypeParser(oid, "text");
  },
};

/** The database at `url`; nothing is connected before the first query. What takes longer than it may fails as an outage (storage-error.ts). */
export function openPostgres(url: string, waits: Partial<DatabaseWaits> = {}): Kysely<Tables> {
  const { stuckMs, lockMs, statementMs, silenceMs } = { ...SHORT, ...waits };
  const pool = new pg.Pool({
    connectionString: url,
    types,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    idle_in_transaction_session_timeout: stuckMs,
    lock_timeout: lockMs,
    statement_timeout: statementMs,
    query_timeout: silenceMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000, // a server that vanished is noticed in a minute or two, not in two hours
    application_name: "commonweight",
  });
  pool.on("error", ignoreLoss);
  pool.on("connect", (client) => {
    client.on("error", ignoreLoss);
    endInSilence(client);
  });
  return new Kysely<Tables>({ dialect: new LedgerDialect({ pool }) });
}

/** A connection was lost: whoever used it hears that from the query, the pool drops it, and the next query makes another. */
function ignoreLoss(): void {}

/** End the connection with a query that got no answer: `pg` would lend it out again, and the next query would wait behind the one that hangs. */
function endInSilence(client: pg.PoolClient): void {
  const query = client.query.bind(client);
  async function queryOrEnd(text: string, values?: unknown[]): Promise<pg.QueryResult> {
    try {
      return await query(text, values);
    } catch (error) {
      if (isSilence(error)) void client.end().catch(ignoreLoss); // a client that ends is not lent again
      throw error;
    }
  }
  Object.assign(client, { query: queryOrEnd });
}

class LedgerDialect extends PostgresDialect {
  readonly #config: PostgresDialectConfig;
  constructor(config: PostgresDialectConfig) {
    super(config);
    this.#config = config;
  }
  override createDriver() {
    return new LedgerDriver(this.#config);
  }
}

/** Writers take turns, as in SQLite: each sees all that the one before it wrote, and none of them deadlock. */
class LedgerDriver extends PostgresDriver {
  override async beginTransaction(
    connection: DatabaseConnection,
    settings: TransactionSettings,
  ): Promise<void> {
    await super.beginTransaction(connection, settings);
    if (settings.accessMode === "read only") return;
    try {
      await connection.executeQuery(CompiledQuery.raw(`select pg_advisory_xact_lock(${WRITERS})`));
    } catch (error) {
      await connection.executeQuery(CompiledQuery.raw("rollback")).catch(ignoreLoss);
      throw error;
    }
  }
}
