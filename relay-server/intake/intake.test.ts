import { expect, test, vi } from "vitest";
import { decodePatchHeader } from "../../core/patch/patch.ts";
import { openRelayParts } from "../../tests/fixtures/relay-parts.ts";
import { startTestRelay } from "../../tests/fixtures/test-relay.ts";
import { tinyRecipe } from "../../tests/fixtures/tiny-model.ts";
import { contribute, createVolunteer, type Parcel } from "../../tests/fixtures/volunteer.ts";
import { parseConfig } from "../config.ts";
import type { RelayContext } from "../context.ts";
import { createIntake } from "./intake.ts";

vi.setConfig({ testTimeout: 60_000 }); // a relay with its threads starts first

/** The same object, which tells `onCall` of each method that is called. */
function counting<T extends object>(target: T, onCall: (method: string) => void): T {
  return new Proxy(target, {
    get(store, name) {
      const method: unknown = Reflect.get(store, name);
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => {
        onCall(String(name));
        return method(...args);
      };
    },
  });
}

test("the ledger is asked three things for a model's first contribution, two for the next, one for what is known", async () => {
  const relay = await startTestRelay({ seed: "calls" });
  const volunteer = await createVolunteer(relay.client, tinyRecipe);
  const first = await contribute(volunteer, relay.now());
  const second = await contribute(volunteer, relay.now());
  await relay.relay.close();
  const { parts, ledger, close } = await openRelayParts(relay.dataDir, tinyRecipe);
  const asked: string[] = [];
  const ask = (method: string) => asked.push(method);
  const context = {
    ...parts.context,
    config: parseConfig({}),
    ...Object.fromEntries(
      Object.entries(ledger).map(([name, store]) => [name, counting(store, ask)]),
    ),
    clock: relay.now,
  } as unknown as RelayContext; // intake needs no more of it
  const intake = createIntake(context, parts.positionsOf, () => {});

  const handIn = async ({ id, bytes, signature }: Parcel) => {
    asked.length = 0;
    const { ticket } = decodePatchHeader(bytes);
    const announced = await intake.announce({ id, ticket, signature });
    if (announced.kind !== "welcome") return announced.kind;
    return (await intake.take({ id, bytes, signature, announced })).kind;
  };
  expect(await handIn(first)).toBe("created");
  expect(asked).toEqual(["arrival", "mergedNorms", "enter"]);
  expect(await handIn(second)).toBe("created");
  expect(asked).toEqual(["arrival", "enter"]);
  expect(await handIn(second)).toBe("known");
  expect(asked).toEqual(["arrival"]);
  await close();
  await relay.remove();
});
