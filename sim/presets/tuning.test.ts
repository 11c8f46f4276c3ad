import { expect, test } from "vitest";
import type { Curve } from "../community/report.ts";
import { community, type ReportOf, type RunSpec } from "../runs/spec.ts";
import { tuneRates } from "./tuning.ts";

test("the rate of the least loss is chosen, and one that diverged is the worst", async () => {
  const losses = [0.3, 0.2, Number.NaN];
  const tried: string[] = [];
  const context = {
    isQuick: false,
    seeds: ["1"],
    async run<Spec extends RunSpec>(specs: readonly Spec[]) {
      tried.push(...specs.flatMap(({ changes, seed }) => [...changes, seed]));
      const metrics = { examples: 1, accuracy: 0.5 };
      const curves = specs.map(
        (_, i): Curve => ({
          base: { ...metrics, lossNats: 1 },
          last: { ...metrics, lossNats: losses[i]! },
          versions: [],
        }),
      );
      return curves as ReportOf<Spec>[];
    },
    crowds: () => [],
  };
  const spec = community({ seed: "1" });
  const candidates = [{ spec, rates: [0.1, 0.2, 0.4] as const }];
  const [tuned] = await tuneRates(context, candidates);
  expect(tuned).toMatchObject({ rate: 0.2, spec: { changes: ["training.learningRate=0.2"] } });
  expect(tried.filter((word) => word === "tuning")).toHaveLength(3); // on a seed of its own
  const [quick] = await tuneRates({ ...context, isQuick: true }, candidates);
  expect(quick?.rate).toBe(0.1); // the likeliest, untried
  expect(tried).toHaveLength(6);
});
