import { expect, test, vi } from "vitest";
import { planData } from "../../core/models/addition-files.ts";
import { encodeExamples } from "../../core/training/examples.ts";
import { eventually } from "../../tests/fixtures/eventually.ts";
import { tinyPatterns } from "../../tests/fixtures/tiny-model.ts";
import type { AdditionFiles } from "../content/addition-files.ts";
import type { RelayContext } from "../context.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import { createAdditions } from "./additions.ts";

test("R6: an addition whose turn does not come says that the relay failed at it, not that a file changed", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const bytes = encodeExamples(tinyPatterns("fresh", 20));
  const about = { model: "tiny", source: "more.csv", licence: "CC0-1.0" };
  const plan = await planData(about, [{ title: "Fresh", examples: 20, bytes }]);
  const files = {
    sweep: async () => [],
    open: async () => {},
    chunks: async () => new Set(plan.shards.map(({ sha256 }) => sha256)),
  } as Partial<AdditionFiles> as AdditionFiles;
  const history = { model: async () => ({}), dataAct: async () => undefined };
  const additions = createAdditions({
    context: { history, clock: () => 9 } as unknown as RelayContext, // no more of it is needed
    files,
    evaluator: {} as Evaluator,
    importTurn: async () => {
      throw new Error("no lock of that name");
    },
    serve: async () => {},
    onData: () => {},
  });
  const begun = await additions.begin({ plan, reason: "more" }, "first");
  expect(begun).toMatchObject({ state: "importing" });
  const { id } = begun as Exclude<typeof begun, string>;
  await eventually(async () => expect((await additions.status(id))?.state).not.toBe("importing"));
  expect(await additions.status(id)).toMatchObject({
    state: "uploading",
    problem: "the relay failed at it; its log says more",
  });
});
