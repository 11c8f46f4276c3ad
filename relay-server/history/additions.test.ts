import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { sha256 } from "../../core/crypto/signature.ts";
import { planData } from "../../core/models/addition-files.ts";
import { encodeCanonical } from "../../core/protocol/canonical-json.ts";
import type { AdditionStatus } from "../../core/protocol/schemas/addition.ts";
import { encodeExamples } from "../../core/training/examples.ts";
import { eventually } from "../../tests/fixtures/eventually.ts";
import { tinyPatterns } from "../../tests/fixtures/tiny-model.ts";
import type { AdditionFiles } from "../content/addition-files.ts";
import type { RelayContext } from "../context.ts";
import type { ImportTurn } from "../store/postgres/other-relays.ts";
import type { Evaluator } from "../threads/open-evaluator.ts";
import { createAdditions } from "./additions.ts";

const about = { model: "tiny", licence: "CC0-1.0" };

async function planOf(name: string) {
  const bytes = encodeExamples(tinyPatterns(name, 20));
  return planData({ ...about, source: name }, [{ title: name, examples: 20, bytes }]);
}

/** Additions whose uploads are whole, and what was kept of them when older ones were swept. */
function openAdditions(importTurn: ImportTurn) {
  const swept: string[][] = [];
  const files = {
    async sweep(_, kept) {
      swept.push([...kept]);
      return [];
    },
    open: async () => {},
    chunks: async (id) => whole.get(id) ?? new Set(),
  } as Partial<AdditionFiles> as AdditionFiles;
  const whole = new Map<string, Set<string>>();
  const history = { model: async () => ({}), dataAct: async () => undefined };
  const additions = createAdditions({
    context: { history, clock: () => 9 } as unknown as RelayContext, // no more of it is needed
    files,
    evaluator: {} as Evaluator,
    place: { kind: "folder", path: "", temporary: "" },
    importTurn,
    serve: async () => {},
    onData: () => {},
  });
  async function begin(name: string): Promise<AdditionStatus> {
    const plan = await planOf(name);
    const id = await sha256(encodeCanonical(plan));
    whole.set(id, new Set(plan.shards.map(({ sha256 }) => sha256)));
    const begun = await additions.begin({ plan, reason: "more" }, "first");
    if (typeof begun === "string") throw new Error(begun);
    return begun;
  }
  return { additions, begin, swept };
}

test("R6: an addition whose turn does not come says that the relay failed at it, not that a file changed", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const { additions, begin } = openAdditions(async () => {
    throw new Error("no lock of that name");
  });
  const { id, state } = await begin("fresh");
  expect(state).toBe("importing");
  await eventually(async () => expect((await additions.status(id))?.state).not.toBe("importing"));
  expect(await additions.status(id)).toMatchObject({
    state: "uploading",
    problem: "the relay failed at it; its log says more",
  });
});

test("R6: an addition that waits while another relay imports is not forgotten, and its turn ends with the relay", async () => {
  const { additions, begin, swept } = openAdditions(async (stop) => {
    await sleep(2 ** 30, undefined, { signal: stop }); // the other relay's import takes for ever
    return () => {};
  });
  const { id } = await begin("fresh");
  await begin("another");
  expect(swept).toEqual([[], [id]]);
  expect(await additions.status(id)).toMatchObject({ state: "importing", done: 0 });
  await additions.close();
  const ending = { state: "uploading", problem: "the relay is ending" };
  expect(await additions.status(id)).toMatchObject(ending);
});
