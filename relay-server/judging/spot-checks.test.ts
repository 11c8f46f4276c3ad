import type { Kysely } from "kysely";
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from "vitest";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import {
  layout,
  MASK_SEED,
  patchBytes,
  positions,
  segments,
} from "../../tests/fixtures/golden-patches.ts";
import {
  contribution,
  filled,
  HOUR_MS,
  id,
  STALE_AFTER,
  ticket,
} from "../../tests/fixtures/ledger-rows.ts";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { openSqlite } from "../store/sqlite/sqlite.ts";
import type { ContributionStore, Ledger } from "../store/store.ts";
import type { Tables } from "../store/tables.ts";
import { createSetbacks } from "./setbacks.ts";
import { createSpotChecks } from "./spot-checks.ts";

const DELTA = Float32Array.of(0.7, -0.35, 0.1, 0); // what the golden patch stands for
const NOW_MS = 50;
const DRAWN = 4;
const LONGEST_REST_MS = 300_000;

const asked: Ticket = {
  format: "commonweight.ticket/1",
  id: "22".repeat(16),
  model: "tiny",
  contributor: id(7),
  base: { number: 0, id: id(1000), checkpoint: id(2000) },
  mask: { kind: "random", seed: MASK_SEED, count: positions.length },
  shards: [{ index: 0, sha256: id(0), sizeBytes: 1, examples: 50, title: "shard 0" }],
  seed: 1,
  training: tinyRecipe.training,
  issuedAt: DRAWN,
  expiresAt: DRAWN + HOUR_MS,
};

let db: Kysely<Tables>;
let ledger: Ledger;
let logged: MockInstance;
beforeEach(async () => {
  logged = vi.spyOn(console, "error").mockImplementation(() => {});
  db = openSqlite(":memory:");
  ledger = await filled(db);
  await ledger.tickets.issueTicket({ ...ticket(DRAWN), ticket: JSON.stringify(asked) }, [0]);
  await ledger.contributions.enter(contribution(DRAWN), patchBytes, STALE_AFTER);
  await ledger.contributions.passScreen(id(DRAWN), null, 5);
  await ledger.contributions.drawSpotCheck(contribution(DRAWN), 6);
});
afterEach(async () => {
  logged.mockRestore();
  await db.destroy();
});

/**
 * Carry out the check that was drawn, each training of it by the next of `trainings` after the rest that a failure takes, and
 * write down what is found. Other work is judged meanwhile, unless it is `lonely`.
 */
async function check(
  trainings: readonly (() => Promise<Float32Array>)[],
  {
    changes = {},
    lonely = false,
    judge = null,
  }: { changes?: Partial<ContributionStore>; lonely?: boolean; judge?: string | null } = {},
): Promise<{ readonly wrote: boolean }> {
  const left = [...trainings];
  const setbacks = createSetbacks();
  let now = NOW_MS;
  let ended = Promise.withResolvers<void>();
  const checks = createSpotChecks(
    {
      context: {
        tickets: ledger.tickets,
        contributions: { ...ledger.contributions, ...changes },
        models: new Map([["tiny", { recipe: tinyRecipe, recipeText: "", layout }]]),
        clock: () => now,
      },
      trainer: {
        reference: async () => null,
        ownReference: async () => null,
        forget: () => {},
        chooseMask: async () => positions,
        ownMask: async () => ({ positions, judge: null }),
        retrain: async (_ticket, _positions, isCertain) => ({
          delta: await left.shift()!(),
          judge: isCertain ? null : judge,
        }),
      },
      positionsOf: async () => ({ positions, segments }),
      setbacks,
    },
    "tiny",
    () => ended.resolve(),
  );
  do {
    await checks.step();
    await ended.promise;
    ended = Promise.withResolvers<void>();
    if (!lonely) setbacks.succeed([id(1)]);
    now += LONGEST_REST_MS;
  } while (left.length > 0);
  now = NOW_MS;
  const wrote = await checks.step();
  return { wrote };
}

const fails = (message: string) => () => Promise.reject(new Error(message));
const stateOf = async () => (await ledger.contributions.contribution(id(DRAWN)))?.state;

test("G19: what is refused as its check begins is not checked, nothing went wrong, and the next may begin", async () => {
  const begun: (string | undefined)[] = [];
  const nextSpotCheck: ContributionStore["nextSpotCheck"] = async () => {
    const row = await ledger.contributions.nextSpotCheck("tiny");
    begun.push(row?.id);
    if (row !== undefined) {
      await ledger.people.ban({ contributor: id(7), reason: "spam", maintainer: "first", at: 9 });
    }
    return row;
  };
  expect(await check([], { changes: { nextSpotCheck } })).toEqual({ wrote: false });
  expect(begun).toEqual([id(DRAWN), undefined]);
  expect(logged).not.toHaveBeenCalled();
  expect(await stateOf()).toBe("refused");
  expect((await ledger.people.audit(5)).map(({ action }) => action)).toEqual(["ban"]);
});

test("J5: nobody is refused by what a judge alone came to, even one that is gone by then", async () => {
  const lie = async () => DELTA.map((value) => -value);
  await check([lie, async () => DELTA], { judge: "a".repeat(64) });
  expect(await stateOf()).toBe("queued");
});

test("G19: what the relay itself came to is not done again", async () => {
  await check([async () => DELTA.map((value) => -value)]);
  expect(await stateOf()).toBe("refused");
});

test("G19: a fault that passes is tried once more, and the check counts", async () => {
  const trainings = [fails("out of memory"), async () => DELTA];
  expect(await check(trainings)).toEqual({ wrote: true });
  expect(logged).toHaveBeenCalledOnce();
  expect(await stateOf()).toBe("queued");
  expect(await ledger.people.audit(5)).toEqual([]);
});

test("G19: other work fails its check after a fault, too", async () => {
  const other = Float32Array.of(-0.7, 0.35, 0.1, 0);
  await check([fails("disk I/O error"), async () => other]);
  expect(await stateOf()).toBe("refused");
  expect(await ledger.contributions.hasFailedSpotCheck(id(7))).toBe(true);
});

test("G19: what cannot be trained again while other work is judged is set aside at its third failure, not let through", async () => {
  const failures = [fails("out of memory"), fails("out of memory"), fails("no such layer")];
  await check(failures);
  expect(logged).toHaveBeenCalledTimes(3);
  expect(await ledger.contributions.contribution(id(DRAWN))).toMatchObject({
    state: "refused",
    reason: { code: "judging-failed", message: expect.stringContaining("no such layer") },
  });
  const [entry, ...older] = await ledger.people.audit(5);
  expect(older).toEqual([]);
  expect(entry).toMatchObject({ maintainer: "the relay", subject: id(DRAWN) });
  expect(entry?.note).toContain(`tiny, by ${id(7)}: no such layer`);
});

test("G19: nothing passes unchecked, nor is set aside, while the machine itself fails or nothing else is judged", async () => {
  const noDescriptors = Object.assign(new Error("too many open files"), { code: "EMFILE" });
  const failures = Array.from({ length: 5 }, () => () => Promise.reject(noDescriptors));
  await check(failures);
  expect(await stateOf()).toBe("screened");
  await check([fails("a"), fails("b"), fails("c"), fails("d")], { lonely: true });
  expect(await stateOf()).toBe("screened");
  expect((await ledger.contributions.nextSpotCheck("tiny"))?.id).toBe(id(DRAWN));
  expect(await ledger.people.audit(5)).toEqual([]);
});
