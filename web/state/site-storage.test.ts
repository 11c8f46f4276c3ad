import { expect, test } from "vitest";
import { DEFAULTS, readSettings, writeSettings } from "./settings.ts";
import { openLazily, type SiteStorage } from "./site-storage.ts";

test("storage that can't even be named is storage that remembers nothing", () => {
  const storage = openLazily(() => {
    throw new DOMException("The operation is insecure.", "SecurityError");
  });
  expect(readSettings(storage)).toEqual(DEFAULTS);
  writeSettings(storage, { ...DEFAULTS, power: 0.5 });
});

test("storage that can be opened is read and written as it is", () => {
  const memory = new Map<string, string>();
  const open = (): SiteStorage => ({
    getItem: (key) => memory.get(key) ?? null,
    setItem: (key, value) => memory.set(key, value),
  });
  const settings = {
    consent: "x",
    power: 0.4,
    prefer: "cpu",
    sharing: true,
    guest: DEFAULTS.guest,
  } as const;
  writeSettings(openLazily(open), settings);
  expect(readSettings(openLazily(open))).toEqual(settings);
});
