import { expect, test, vi } from "vitest";
import { eventually } from "../tests/fixtures/eventually.ts";
import { tinyRecipe } from "../tests/fixtures/tiny-model.ts";
import { type AmongOthers, hearOthers } from "./among-others.ts";
import type { HubListener } from "./store/event-hub.ts";
import type { NoticeListener, OtherRelays } from "./store/postgres/other-relays.ts";
import type { EventRow } from "./store/tables.ts";

/** A relay that serves `tiny` and publishes what is in `held`, and how it is told of things. */
function relayWith(held: readonly string[]) {
  let hub: HubListener | null = null;
  let notices: NoticeListener | null = null;
  const changed = JSON.stringify({ ...tinyRecipe, title: "Tiny two" });
  const rows = [{ id: "tiny", recipe: changed }, { id: "added" }];
  const models = new Map<string, object>([["tiny", {}]]);
  const previews = new Map<string, Map<string, object>>();
  const packets = new Map<string, object>();
  const reads: Promise<void>[] = []; // that a question for a model waits for
  const calls = { wake: vi.fn(), begin: vi.fn(), meet: vi.fn(), spend: vi.fn(), events: vi.fn() };
  const parts = {
    context: {
      models,
      previews,
      packets,
      toldHealth: new Map(),
      history: {
        models: async () => rows,
        model: async () => reads.pop()?.then(() => rows[0]) ?? rows[0],
      },
      queue: { meet: calls.meet },
    },
    hub: { listen: (listener: HubListener) => (hub = listener), wake: calls.events },
    limits: { spend: calls.spend },
    leases: { fenceOf: (model: string) => (held.includes(model) ? 1 : null) },
    pipeline: { wake: calls.wake },
    serve: async ({ id }: { id: string }) => void models.set(id, {}),
    beginReference: calls.begin,
  } as unknown as AmongOthers; // it does not come to the rest
  const others = { listen: (listener: NoticeListener) => (notices = listener) };
  hearOthers(others as unknown as OtherRelays, parts);
  return { ...calls, models, previews, packets, reads, hub: hub!, notices: notices! };
}

const told = (type: string, topic: string, data: object = {}): EventRow[] => [
  { id: 1, type, topic, data: JSON.stringify(data) },
];

test("H44: a model that another relay has added is served here too", async () => {
  const { hub, models } = relayWith([]);
  (hub as HubListener).hear(told("version", "added"));
  await eventually(() => expect([...models.keys()]).toEqual(["tiny", "added"]));
});

test("R7: a recipe that a maintainer changed at another relay is followed once its health tells of the act", async () => {
  const { hub, models } = relayWith([]);
  const recipe = { ...tinyRecipe, title: "Tiny two" };
  (hub as HubListener).hear(told("health", "tiny", { model: "tiny", acts: 1, caught: [] }));
  await eventually(() => expect(models.get("tiny")).toMatchObject({ recipe }));
});

test("R7: a recipe that was asked for before the last change replaces no newer one", async () => {
  const { hub, models, reads } = relayWith([]);
  const asked = Promise.withResolvers<void>();
  reads.push(asked.promise);
  (hub as HubListener).hear(told("health", "tiny", { model: "tiny", acts: 1, caught: [] }));
  const newer = { recipeText: "newer" };
  models.set("tiny", newer);
  asked.resolve();
  await new Promise(setImmediate);
  expect(models.get("tiny")).toBe(newer);
});

test("H44: the reference that a ticket begins is trained where the model is published", () => {
  const [publisher, follower] = [relayWith(["tiny"]), relayWith([])];
  for (const { notices } of [publisher, follower]) {
    (notices as NoticeListener).hear({ kind: "ticket", model: "tiny", base: 3 });
  }
  expect(publisher.begin).toHaveBeenCalledExactlyOnceWith("tiny", 3);
  expect(follower.begin).not.toHaveBeenCalled();
});

test("H44: limits, networks of keys and work are heard of, and all that may have been missed is looked at", () => {
  const { notices, hub: _, ...relay } = relayWith(["tiny"]);
  const listener = notices as NoticeListener;
  listener.hear({ kind: "spent", by: "network", name: "192.0.2.1", cost: 2 });
  expect(relay.spend).toHaveBeenCalledExactlyOnceWith("network", "192.0.2.1", 2);
  listener.hear({ kind: "asker", contributor: "a", network: "192.0.2.1" });
  expect(relay.meet).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ contributor: "a", network: "192.0.2.1" }),
  );
  listener.hear({ kind: "work", model: "tiny" });
  listener.miss();
  expect(relay.wake.mock.calls).toEqual([["tiny"], ["tiny"]]);
  expect(relay.events).toHaveBeenCalledOnce();
});

test("H26: previews of caught keys and counts of packets come from the relay that publishes the model", () => {
  const preview = { head: 1, contributions: 1, riseNats: 0.1, objection: null };
  const work = { contributor: "a", at: 1, contributions: ["b"] };
  const opened = [{ suite: "gate", opened: 1, packets: 2 }];
  const health = { model: "tiny", caught: [{ ...work, preview }], packets: opened };
  const follower = relayWith([]);
  (follower.hub as HubListener).hear(told("health", "tiny", health));
  expect([...(follower.previews.get("tiny")?.values() ?? [])]).toEqual([preview]);
  expect(follower.packets.get("tiny")).toEqual(opened);
  const publisher = relayWith(["tiny"]);
  (publisher.hub as HubListener).hear(told("health", "tiny", health));
  expect([publisher.previews.size, publisher.packets.size]).toEqual([0, 0]);
});
