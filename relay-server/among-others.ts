import type { ModelHealth } from "../core/protocol/schemas/status.ts";
import type { RelayContext } from "./context.ts";
import type { Limits } from "./doors/limits.ts";
import { followRecipe } from "./history/served-models.ts";
import type { Leases } from "./leases.ts";
import type { Pipeline } from "./loop.ts";
import { noteTold } from "./merging/health.ts";
import type { EventHub } from "./store/event-hub.ts";
import type { OtherRelays } from "./store/postgres/other-relays.ts";
import type { ModelRow } from "./store/tables.ts";

export type AmongOthers = {
  readonly context: RelayContext;
  readonly hub: EventHub;
  readonly limits: Limits;
  readonly leases: Leases;
  readonly pipeline: Pipeline;
  /** Serve a model that another relay has added. */
  readonly serve: (row: ModelRow) => Promise<void>;
  /** Begin a model's reference on a version, since work on it was given out. */
  readonly beginReference: (model: string, base: number) => void;
};

/** Act upon what the other relays on this ledger write and tell, so that nothing that is kept in memory here grows stale. */
export function hearOthers(
  others: OtherRelays,
  { context, hub, limits, leases, pipeline, serve, beginReference }: AmongOthers,
): void {
  async function serveNew(): Promise<void> {
    try {
      for (const row of await context.history.models()) {
        if (!context.models.has(row.id)) await serve(row);
      }
    } catch (error) {
      console.error(error); // the next version of any unknown model tries it again
    }
  }

  const acts = new Map<string, number>();
  /** A model's recipe and shards, where a maintainer has acted at another relay: work comes without a request that would follow the recipe. */
  async function followActs({ model, acts: count }: ModelHealth): Promise<void> {
    if (acts.get(model) === count) return;
    acts.set(model, count);
    try {
      const before = context.models.get(model);
      const row = await context.history.model(model);
      if (context.models.get(model) !== before) acts.delete(model); // it may be the older one: the next health tries it again
      if (row !== undefined) followRecipe(context.models, row, before);
      context.stock.forget(model);
    } catch (error) {
      acts.delete(model); // the next health tries it again
      console.error(error);
    }
  }

  hub.listen({
    hear(events) {
      for (const { type, topic, data } of events) {
        const isHeld = leases.fenceOf(topic) !== null;
        if (type === "version" && !context.models.has(topic)) void serveNew();
        if (type !== "health") continue;
        const health = JSON.parse(data) as ModelHealth; // as a relay wrote it
        noteTold(context, health, isHeld);
        void followActs(health);
      }
    },
    miss: () => void serveNew(), // of a model's health the next event tells all
  });
  others.listen({
    events: hub.wake,
    hear(notice) {
      switch (notice.kind) {
        case "work":
          return pipeline.wake(notice.model);
        case "ticket":
          if (leases.fenceOf(notice.model) !== null) beginReference(notice.model, notice.base);
          return;
        case "asker":
          return context.queue.meet(notice);
        case "spent":
          return limits.spend(notice.by, notice.name, notice.cost);
      }
    },
    miss() {
      hub.wake();
      void serveNew();
      for (const model of context.models.keys()) pipeline.wake(model);
    },
  });
}
