/** The button that recomputes a history, over a verification that the test speaks for. */
import { mount, unmount } from "svelte";
import { afterEach, expect, test } from "vitest";
import { page } from "vitest/browser";
import type { Pin } from "../../../core/history/verified-chain.ts";
import VerifyHistory from "../../../web/parts/VerifyHistory.svelte";
import type { VerifyHistory as Verify } from "../../../web/verify-engine.ts";
import type { HistoryVerdict } from "../../../worker/api.ts";

const pin: Pin = { relayKey: "ab".repeat(32), number: 4, id: "cd".repeat(32) };
const holding: HistoryVerdict = {
  holds: true,
  model: "digits",
  pin,
  versions: 5,
  merged: 6,
  reverted: 1,
  gates: { fresh: 0, reused: 0 },
  contributors: 2,
  acts: 0,
  retired: null,
  suites: [],
  releases: [],
  releaseKey: null,
  recipe: null,
  data: [],
};

let close: () => Promise<void> = async () => {};
afterEach(() => close());

/** Mount the button; `answers` come one a press. Returns what each press asked with. */
function openButton(verify: Verify, kept = new Map<string, string>()) {
  const target = document.body.appendChild(document.createElement("div"));
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  };
  const button = mount(VerifyHistory, { target, props: { model: "digits", verify, storage } });
  close = async () => {
    await unmount(button);
    target.remove();
  };
}

const verdictWords = () =>
  document.querySelector("[data-holds]")?.textContent?.trim().replace(/\s+/g, " ");
const press = () => page.getByRole("button", { name: "Verify it on this device" }).click();

test("the button says how far it is, what it found, and remembers the history", async () => {
  const tasks: unknown[] = [];
  const going = Promise.withResolvers<HistoryVerdict>();
  openButton((task, onProgress) => {
    tasks.push(task);
    onProgress("merges", 2, 4);
    return tasks.length === 1 ? going.promise : Promise.resolve(holding);
  });
  await press();
  await expect.element(page.getByText(/Merging every patch again: version 2 of 4/)).toBeVisible();
  going.resolve(holding);
  await expect.poll(verdictWords).toMatch(/^This history holds\. 5 versions and 6 patches were/);
  expect(verdictWords()).toContain("now remembers the relay's key");
  await press();
  await expect.poll(verdictWords).toContain("those of your last visit");
  expect(tasks).toEqual([
    { model: "digits", pin: null },
    { model: "digits", pin },
  ]);
});

test("V10: a history that was rolled back is said, and what was remembered stays", async () => {
  const kept = new Map([["commonweight pin digits", JSON.stringify(pin)]]);
  const message = "the history was rolled back: it ends at version 3";
  openButton(async () => ({ holds: false, fault: "rolled-back", version: null, message }), kept);
  await press();
  await expect
    .element(page.getByRole("alert"))
    .toHaveTextContent(`This history does not hold. ${message}.`);
  expect(JSON.parse(kept.get("commonweight pin digits")!)).toEqual(pin);
});

test("a relay that does not answer is no verdict, and Stop ends the work", async () => {
  openButton(async () => {
    throw new Error("http://relay does not answer");
  });
  await press();
  await expect
    .element(page.getByRole("alert"))
    .toHaveTextContent("Not verified: http://relay does not answer");
  await close();
  let stopped = false;
  openButton((_task, _onProgress, signal) => {
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        stopped = true;
        reject(signal.reason);
      });
    });
  });
  await press();
  await page.getByRole("button", { name: "Stop" }).click();
  await expect
    .element(page.getByRole("button", { name: "Verify it on this device" }))
    .toBeEnabled();
  expect(stopped).toBe(true);
});
