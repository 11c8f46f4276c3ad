import fc from "fast-check";
import { expect, test } from "vitest";
import { bisect } from "./bisection.ts";

test("exactly the bad members fail, and the rest pass together", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }), async (isBad) => {
      const members = isBad.map((bad, i) => ({ bad, i }));
      let spent = 0;
      const found = await bisect(members, async (part, share) => {
        spent += share;
        return part.some(({ bad }) => bad) ? null : part.length;
      });
      expect(found.failed).toEqual(members.filter(({ bad }) => bad));
      expect(found.passed?.members ?? []).toEqual(members.filter(({ bad }) => !bad));
      expect(spent).toBeLessThanOrEqual(1);
    }),
  );
});

test("parts that pass alone but not together: the largest stands, none is refused", async () => {
  const found = await bisect([1, 2, 3, 4, 5], async (part) => (part.length <= 3 ? part : null));
  expect(found.passed?.members).toEqual([3, 4, 5]);
  expect(found.failed).toEqual([]);
  expect(found.evaluations).toBe(4);
});
