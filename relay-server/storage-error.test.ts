import { expect, test } from "vitest";
import { isOutage, ledgerAway, StorageFullError } from "./storage-error.ts";

test.each([
  [
    "a name that is not found while its machine restarts",
    { syscall: "getaddrinfo", code: "EAI_AGAIN" },
  ],
  ["a connection that is refused", { syscall: "connect", code: "ECONNREFUSED" }],
  ["a server that shuts down", { code: "57P01" }],
  ["a lock that another process holds", { code: "SQLITE_BUSY" }],
  ["a lock that another relay holds", { code: "55P03" }],
  ["a statement that took too long", { code: "57014" }],
])("%s is an outage and no fault of the work at hand", (_name, facts) => {
  const error = Object.assign(new Error("gone"), facts);
  expect(ledgerAway(error)).not.toBeNull();
  expect(isOutage(error)).toBe(true);
});

test("a full disk is an outage too, and a mistake in the work is none", () => {
  expect(isOutage(new StorageFullError("full"))).toBe(true);
  expect(isOutage(new Error("NaN in a report"))).toBe(false);
});
