import { expect, test } from "vitest";
import {
  bytes,
  contribution,
  filled,
  id,
  STALE_AFTER,
  takeOver,
} from "../../tests/fixtures/ledger-rows.ts";
import { FencedError } from "../merging/publishing.ts";
import { migrate } from "../store/sql/migrate.ts";
import { openSqlite } from "../store/sqlite/sqlite.ts";
import { heldVerdicts } from "./held-verdicts.ts";

test("H41: a relay that holds the model no more writes no verdict, and still reads", async () => {
  const db = openSqlite(":memory:");
  await migrate(db);
  const ledger = await filled(db);
  const { contributions } = ledger;
  await contributions.enter(contribution(1), bytes, STALE_AFTER);
  const held = heldVerdicts(contributions, {
    model: "tiny",
    fence: await takeOver(ledger, "a relay"),
  });
  await held.passScreen(id(1), 0.5, 1);
  expect((await held.contribution(id(1)))?.state).toBe("screened");

  await takeOver(ledger, "another");
  const refusal = { code: "no-gain", message: "late" } as const;
  await expect(held.refuseWaiting([id(1)], refusal, 2)).rejects.toThrow(FencedError);
  await expect(held.setAside({ contribution: id(1), error: "late" }, 2)).rejects.toThrow(
    FencedError,
  );
  expect((await held.contribution(id(1)))?.state).toBe("screened");
  await db.destroy();
});
