/** What spectators and maintainers see, and an update that waits for the running piece. */
import { afterEach, expect, test } from "vitest";
import { page } from "vitest/browser";
import { summary } from "./relay-data.ts";
import { openPage } from "./stage.ts";

let stage: ReturnType<typeof openPage>;
afterEach(() => stage.close());

test("the leaderboard has a period to choose and says when a period is empty", async () => {
  stage = openPage();
  await page.getByRole("link", { name: "Leaderboard" }).first().click();
  await expect.element(page.getByRole("cell", { name: "1,200" })).toBeVisible();
  await page.getByRole("radio", { name: "24 hours" }).click({ force: true });
  await expect.element(page.getByText(/The first place is free/)).toBeVisible();
});

test("a new version stands on top of the history as soon as it is published", async () => {
  stage = openPage();
  await page.getByRole("link", { name: "History" }).first().click();
  await expect.element(page.getByRole("rowheader", { name: "Version 2" })).toBeVisible();
  stage.say("version", { model: "digits", version: summary(3) });
  await expect.element(page.getByRole("rowheader", { name: "Version 3" })).toBeVisible();
  expect(document.querySelector("tbody tr")?.getAttribute("data-version")).toBe("3");
});

test("a version that takes a patch out again says so in the history", async () => {
  stage = openPage();
  await page.getByRole("link", { name: "History" }).first().click();
  await expect.element(page.getByRole("rowheader", { name: "Version 2" })).toBeVisible();
  const version = { ...summary(3), contributions: 0, contributors: 0 };
  stage.say("version", { model: "digits", version });
  await expect.element(page.getByRole("cell", { name: "revert", exact: true })).toBeVisible();
});

test("trouble with merging is the first thing that a maintainer reads", async () => {
  stage = openPage();
  await page.getByRole("link", { name: "Health" }).first().click();
  await expect.element(page.getByText("Merging needs a maintainer")).toBeVisible();
  await expect.element(page.getByText("Scoring has stopped.")).toBeVisible();
});

test("an update never interrupts a piece: it waits until the piece is sent", async () => {
  stage = openPage({ updateWaits: true });
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  await page.getByRole("button", { name: "Agree and start" }).click();
  await expect.poll(() => stage.calls.length).toBe(2);
  stage.tell({ phase: "training", step: 1, steps: 50 });
  await page.getByRole("button", { name: "Update when this piece is done" }).click();
  await expect.poll(() => stage.calls.at(-1)).toEqual(["finish"]);
  stage.tell({ phase: "uploading", finishing: true });
  expect(stage.calls.at(-1)).toEqual(["finish"]);
  stage.tell({ phase: "ready" });
  await expect.poll(() => stage.calls.at(-1)).toEqual(["apply update"]);
});

test("the page has its landmarks, one first heading, and no inline styles, which its policy refuses", async () => {
  stage = openPage();
  await expect.element(page.getByRole("heading", { level: 1 })).toBeVisible();
  for (const role of ["banner", "navigation", "main", "contentinfo"] as const) {
    expect(page.getByRole(role).elements(), role).toHaveLength(1);
  }
  expect(document.querySelectorAll("#main [style], header [style]")).toHaveLength(0);
});
