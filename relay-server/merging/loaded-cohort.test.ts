import { expect, test } from "vitest";
import type { QuantisedStep } from "../../core/merge/quantised-step.ts";
import type { Mask } from "../../core/protocol/schemas/mask.ts";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { withLoadedCohort } from "./loaded-cohort.ts";
import type { WaitingMember } from "./member.ts";

const head = { model: "tiny", checkpoint: "head", recipe: tinyRecipe };
const random = (digit: string): Mask => ({ kind: "random", seed: digit.repeat(32), count: 5 });
const memberOf = (id: string, mask: Mask) => ({ id, mask, row: {} }) as WaitingMember; // nothing else is looked at
const cohort = [memberOf("a", random("1")), memberOf("b", random("0"))];

/** A model's thread that remembers whom it was sent; nobody else's merges are done. */
function threadOf() {
  const loads: string[][] = [];
  const evaluator = {
    loadCohort: async (_: string, members: readonly { id: string }[]) =>
      void loads.push(members.map(({ id }) => id)),
    merge: async (_: string, { members }: { readonly members: readonly string[] }) => {
      expect(loads.at(-1)).toEqual(expect.arrayContaining([...members]));
      return { values: members.length } as unknown as QuantisedStep;
    },
  };
  return { loads, evaluator };
}

test("a cohort is sent to the model's thread once, and forgotten there when it is judged", async () => {
  const { loads, evaluator } = threadOf();
  const found = await withLoadedCohort(evaluator, head, cohort, async (merge) => {
    await merge(cohort, [1, 1]);
    await merge(cohort.slice(1), [1]);
    return "judged";
  });
  expect(found).toBe("judged");
  expect(loads).toEqual([["a", "b"], []]);
});

test("T5: the step of a merge names its members' random masks once each, and none where a member chose its own", async () => {
  const { evaluator } = threadOf();
  const masksOf = (...members: readonly WaitingMember[]) =>
    withLoadedCohort(evaluator, head, members, async (merge) => {
      const { masks } = await merge(members, []);
      return masks;
    });
  expect(await masksOf(...cohort, memberOf("c", random("1")))).toEqual([random("0"), random("1")]);
  expect(await masksOf(...cohort, memberOf("c", { kind: "own", count: 5 }))).toBeUndefined();
});

test("a cohort that could not be judged is forgotten too", async () => {
  const { loads, evaluator } = threadOf();
  const failing = withLoadedCohort(evaluator, head, cohort, async () => {
    throw new Error("no memory");
  });
  await expect(failing).rejects.toThrow("no memory");
  expect(loads).toEqual([["a", "b"], []]);
});

test("a thread that ends once the cohort is judged changes neither what was found nor what went wrong", async () => {
  const { evaluator } = threadOf();
  const ending = {
    ...evaluator,
    loadCohort: async (model: string, members: readonly { id: string }[]) => {
      if (members.length === 0) throw new Error("the thread has ended");
      return evaluator.loadCohort(model, members);
    },
  };
  expect(await withLoadedCohort(ending, head, cohort, async () => "judged")).toBe("judged");
  const failing = withLoadedCohort(ending, head, cohort, async () => {
    throw new Error("no memory");
  });
  await expect(failing).rejects.toThrow("no memory");
});
