/** H1: which fields of an answer may be followed by a newer relay's. */
import { expect, test } from "vitest";
import * as z from "zod/mini";
import { auditLog, banStatus, revertStatus } from "./admin.ts";
import { checkpointPlan } from "./checkpoint.ts";
import { contribution, contributionList } from "./contribution.ts";
import {
  errorBody,
  events,
  health,
  leaderboard,
  modelCard,
  modelHealth,
  modelList,
  shardLedger,
} from "./status.ts";
import { ticketAnswer, ticketRequest } from "./ticket.ts";
import { signedVersion, versionList } from "./version.ts";

/** Names of the outermost parts of `schema` that allow no unknown field; "" is the whole. */
function strictParts(schema: z.ZodMiniType): string[] {
  const parts = new Set<string>();
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null) return;
    if ("additionalProperties" in node && node.additionalProperties === false) {
      parts.add(path);
      return;
    }
    for (const [name, child] of Object.entries(node)) {
      if (name !== "properties") visit(child, path);
      else for (const [field, value] of Object.entries(child)) visit(value, `${path}.${field}`);
    }
  };
  visit(z.toJSONSchema(schema, { io: "input" }), "");
  return [...parts].sort();
}

test.each(
  Object.entries({
    ...{ auditLog, banStatus, revertStatus, contribution, contributionList, errorBody, health },
    ...{ leaderboard, modelHealth, shardLedger, versionList },
    ...events,
  }),
)("H1: %s may gain a field anywhere", (_, schema) => {
  expect(strictParts(schema)).toEqual([]);
});

test("H1: what an answer holds that is hashed or signed has no field but its own", () => {
  expect(strictParts(modelCard)).toEqual([".recipe"]);
  expect(strictParts(modelList)).toEqual([".models.recipe"]);
  expect(strictParts(checkpointPlan)).toEqual([".keyframe.manifest"]);
  expect(strictParts(ticketAnswer)).toEqual([".ticket"]);
  expect(strictParts(signedVersion)).toEqual([""]);
  expect(strictParts(ticketRequest)).toEqual([""]);
});
