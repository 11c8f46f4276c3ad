import type { Kysely } from "kysely";
import { parseJson, parseValue } from "../../../core/protocol/canonical-json.ts";
import { type GateTest, gateTest } from "../../../core/protocol/schemas/status.ts";
import type { GateTestRow, Tables } from "../tables.ts";
import { nextNumber } from "./event-rows.ts";
import type { Write } from "./group-commit.ts";

const encoder = new TextEncoder();
const KEPT_TESTS = 8; // a model: what maintainers look at when merging stands still

export function gateTestParts(db: Kysely<Tables>, write: Write) {
  return {
    /** Keep what the gate found, in its order, and forget what is older than the newest few. */
    recordGateTests(model: string, tests: readonly GateTest[]): Promise<void> {
      return write(async (trx) => {
        for (const { at, head, contributions, decision, tests: suites, flips } of tests) {
          const row = {
            id: await nextNumber(trx, "gate-tests"),
            model,
            tested_at: at,
            head,
            contributions,
            decision,
            tests: JSON.stringify(suites),
            flips: flips === null ? null : JSON.stringify(flips),
          };
          await trx.insertInto("gate_tests").values(row).execute();
        }
        const own = trx.selectFrom("gate_tests").select("id").where("model", "=", model);
        await trx
          .deleteFrom("gate_tests")
          .where("model", "=", model)
          .where("id", "not in", own.orderBy("id", "desc").limit(KEPT_TESTS))
          .execute();
      });
    },
    /** What the gate looked at last, newest first. */
    async gateTests(model: string): Promise<GateTest[]> {
      const rows = await db
        .selectFrom("gate_tests")
        .selectAll()
        .where("model", "=", model)
        .orderBy("id", "desc")
        .execute();
      return rows.map(testOf);
    },
  };
}

function testOf({ tested_at, head, contributions, decision, tests, flips }: GateTestRow): GateTest {
  return {
    at: tested_at,
    head,
    contributions,
    decision: parseValue("decision", gateTest.shape.decision, decision),
    tests: parseJson("tests", gateTest.shape.tests, encoder.encode(tests)),
    flips: parseJson("flips", gateTest.shape.flips, encoder.encode(flips ?? "null")),
  };
}
