import { expect, test } from "vitest";
import { createMemory } from "./memory.ts";

function storage() {
  const items = new Map<string, string>();
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
  };
}
const now = (work: () => void) => work();

test("what was seen last is there at the next visit of the same build, and of no other", () => {
  const shared = storage();
  createMemory(shared, "a", now).keep("health", { status: "ok" });
  expect(createMemory(shared, "a", now).recall("health")).toEqual({ status: "ok" });
  expect(createMemory(shared, "b", now).recall("health")).toBe(null);
});

test("what was used longest ago gives way, and a write that fails is no fault", () => {
  const shared = storage();
  const memory = createMemory(shared, "a", now);
  for (const key of ["one", "two", "three"]) memory.keep(key, "x".repeat(150_000));
  const next = createMemory(shared, "a", now);
  expect([next.recall("one"), next.recall("three")]).toEqual([null, "x".repeat(150_000)]);
  const full = createMemory(
    {
      getItem: () => {
        throw new Error("SecurityError");
      },
      setItem: () => {
        throw new Error("QuotaExceededError");
      },
    },
    "a",
    now,
  );
  full.keep("one", 1);
  expect(full.recall("one")).toBe(1);
});

test("damaged and forgotten memories are empty", () => {
  const shared = storage();
  shared.items.set("commonweight-seen", "{");
  const memory = createMemory(shared, "a", now);
  expect(memory.recall("health")).toBe(null);
  memory.keep("health", 1);
  memory.forget();
  expect(createMemory(shared, "a", now).recall("health")).toBe(null);
});
