import { expect, test } from "vitest";
import { DEFAULTS, readSettings, writeSettings } from "./settings.ts";

const holding = (text: string | null) => ({ getItem: () => text });

test("settings come back as they were written", () => {
  let stored: string | null = null;
  const guest = { ...DEFAULTS.guest, visible: true, dailyMegabytes: null };
  const settings = { consent: "x", power: 0.4, prefer: "cpu", sharing: true, guest } as const;
  writeSettings({ setItem: (_, text) => (stored = text) }, settings);
  expect(readSettings(holding(stored))).toEqual(settings);
});

test("damaged, foreign or blocked storage means: nobody has agreed to anything", () => {
  for (const text of [null, "{", "5", "null", '{"power":9,"prefer":"fpga","consent":true}']) {
    expect(readSettings(holding(text))).toEqual(DEFAULTS);
  }
  const blocked = {
    getItem: () => {
      throw new Error("SecurityError");
    },
  };
  expect(readSettings(blocked)).toEqual(DEFAULTS);
});
