import type { Pin } from "../../core/history/verified-chain.ts";
import { readStored, type SiteStorage, writeStored } from "./site-storage.ts";

const keyOf = (model: string) => `commonweight pin ${model}`;

/** What this browser remembers of a model's history (protocol V10); null at a first visit, or where nothing is kept. */
export function recallPin(storage: SiteStorage, model: string): Pin | null {
  const kept = readStored(storage, keyOf(model));
  return isPin(kept) ? kept : null;
}

/** Where nothing is kept, the next visit is a first one again. */
export function keepPin(storage: SiteStorage, model: string, pin: Pin): void {
  writeStored(storage, keyOf(model), pin);
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
