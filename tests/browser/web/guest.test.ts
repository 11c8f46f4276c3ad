/** What holds work back, as a volunteer sees and chooses it. */
import { afterEach, expect, test } from "vitest";
import { page } from "vitest/browser";
import { openPage } from "./stage.ts";

let stage: ReturnType<typeof openPage>;
afterEach(() => stage.close());

const button = (name: string | RegExp) => page.getByRole("button", { name });

test("a good guest rests when told to, says why, and goes on when asked", async () => {
  stage = openPage();
  await button("Contribute to Digits").click();
  await button("Agree and start").click();
  stage.tell({ phase: "training" });
  const rules = page.getByRole("group", { name: "A good guest" });
  await expect.element(rules).toBeVisible();
  await expect
    .element(page.getByRole("checkbox", { name: /Only while this page/ }))
    .not.toBeChecked();
  await expect.element(page.getByText(/Data a day, 0 B so far/)).toBeVisible();
  await button("Rest for an hour").click();
  await expect.poll(() => stage.calls).toContainEqual(["pause"]);
  stage.tell({ phase: "paused" });
  await expect.element(page.getByRole("heading", { name: "Resting" })).toBeVisible();
  await expect.element(page.getByText(/^You gave this device a rest until/)).toBeVisible();
  await button("Resume").click();
  await expect.poll(() => stage.calls).toContainEqual(["resume"]);
});

test("what this browser does not tell is said, and not shown as on", async () => {
  stage = openPage();
  await button("Contribute to Digits").click();
  await button("Agree and start").click();
  stage.tell({ phase: "training" });
  const box = page.getByRole("checkbox", { name: /does not tell whether it is/ });
  await expect.element(box).toBeDisabled();
  await expect.element(box).not.toBeChecked();
});

test("work without the rules says so, until they are fetched", async () => {
  stage = openPage({ guestMissed: true });
  await button("Contribute to Digits").click();
  await button("Agree and start").click();
  stage.tell({ phase: "training" });
  const words = page.getByText(/^The rules for holding work back could not be fetched/);
  await expect.element(words).toBeVisible();
  stage.fetchGuest();
  stage.tell({ phase: "training", step: 1, steps: 50 });
  await expect.element(page.getByRole("group", { name: "A good guest" })).toBeVisible();
  await expect.element(words).not.toBeInTheDocument();
});
