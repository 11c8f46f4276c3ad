import type { Pin } from "../../core/history/verified-chain.ts";
import type { SiteStorage } from "./site-storage.ts";

const keyOf = (model: string) => `commonweight pin ${model}`;

/** What this browser remembers of a model's history (protocol V10); null at a first visit, or where nothing is kept. */
export function recallPin(storage: SiteStorage, model: string): Pin | null {
  try {
    const kept: unknown = JSON.parse(storage.getItem(keyOf(model)) ?? "null");
    return isPin(kept) ? kept : null;
  } catch {
    return null; // site data is blocked, or somebody else's is there
  }
}

export function keepPin(storage: SiteStorage, model: string, pin: Pin): void {
  try {
    storage.setItem(keyOf(model), JSON.stringify(pin));
  } catch {
    // site data is blocked or full: the next visit is a first one again
  }
}

function isPin(value: unknown): value is Pin {
  if (typeof value !== "object" || value === null) return false;
  const { relayKey, act } = value as Record<string, unknown>;
  return (
    typeof relayKey === "string" && isNumbered(value) && (act === undefined || isNumbered(act))
  );
}

function isNumbered(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { number, id } = value as Record<string, unknown>;
  return Number.isInteger(number) && typeof id === "string";
}
