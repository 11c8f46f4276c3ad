import {
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { expect, test } from "vitest";
import { LEDGER_WRITES } from "./durable-steps.ts";
import { createLedger } from "./store/store.ts";
import type { Tables } from "./store/tables.ts";

/** A database that nothing is asked of. */
const nothing = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

test("every write of the ledger is told, so that a crash test can stop a relay after it", () => {
  for (const [name, store] of Object.entries(createLedger(nothing))) {
    const methods = Object.entries<unknown>(store);
    const writes = methods.flatMap(([method, body]) =>
      /\bwrite\(/.test(String(body)) ? [method] : [],
    );
    const told: readonly string[] = LEDGER_WRITES[name as keyof typeof LEDGER_WRITES];
    expect([...told].sort(), name).toEqual(writes.sort());
  }
});
