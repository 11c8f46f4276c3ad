import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { CONSENT, DEFAULTS, readSettings, writeSettings } from "./settings.ts";

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

test("whoever agreed is asked again once the consent has another point: its points belong to one constant", async () => {
  const text = await readFile(new URL("../parts/Consent.svelte", import.meta.url), "utf8");
  const detail = text.slice(text.indexOf("<ul>"), text.indexOf("</ul>"));
  const points = [...detail.matchAll(/<strong>([^<]+)\.<\/strong>/g)].map(([, point]) => point);
  expect({ [CONSENT]: points }).toEqual({
    "2026-11 judging": ["Downloads", "Power", "Sends", "Judging", "A key", "Licence"],
  });
  expect(detail, "no point is hidden from some").not.toContain("{#if");
});
