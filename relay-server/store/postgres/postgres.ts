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
import type { Tables } from "../tables.ts";

const CONNECTIONS = 8; // one writes; reads take microseconds, and a few may be long
const CONNECT_MS = 5000; // a server that starts again is back by then
const STUCK_MS = 4000; // after which the server ends a transaction whose process does nothing, as one that sleeps, and lets the next one write
const WRITERS = 0x636f6d77; // "comw": the lock that writers take in turn

/** PostgreSQL's bigint is a string for `pg`; the ledger's are times and counts, far below 2^53. */
const types = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (oid === pg.types.builtins.INT8) return Number;
    return format === "binary"
      ? pg.types.getTypeParser(oid, "binary")
      : pg.types.getTypeParser(oid, "text");
  },
};

/** The database at `url`; nothing is connected before the first query. A transaction may do nothing for `stuckMs`; 0 is for ever. */
export function openPostgres(url: string, { stuckMs = STUCK_MS } = {}): Kysely<Tables> {
  const pool = new pg.Pool({
    connectionString: url,
    types,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    idle_in_transaction_session_timeout: stuckMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000, // a server that vanished is noticed in a minute or two, not in two hours
    application_name: "commonweight",
  });
  pool.on("error", ignoreLoss);
  pool.on("connect", (client) => client.on("error", ignoreLoss));
  return new Kysely<Tables>({ dialect: new LedgerDialect({ pool }) });
}

/** A connection was lost: whoever used it hears that from the query, the pool drops it, and the next query makes another. */
function ignoreLoss(): void {}

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
