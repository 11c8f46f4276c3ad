/** What spectators and maintainers see, and an update that waits for the running piece. */
import { afterEach, expect, test } from "vitest";
import { page } from "vitest/browser";
import { contributor, health, modelHealth, now, summary, version2 } from "./relay-data.ts";
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

test("who trains right now is there, and the slots of the next version fill", async () => {
  stage = openPage();
  await page.getByRole("link", { name: "Leaderboard" }).first().click();
  const panel = page.getByRole("region", { name: "Right now" });
  await expect.element(panel.getByText("Ada is training.")).toBeVisible();
  const text = "Version 3: 1 of 10 patches are there; the tests begin in about 20 s at the latest.";
  await expect.element(panel.getByText(text.replace("are", "is"))).toBeVisible();
  const slots = (kind: string) => document.querySelectorAll(`.slots li${kind}`).length;
  expect([slots(""), slots(".filled")]).toEqual([10, 1]);
  const cohort = { ...now.cohort, queued: 2, contributors: [contributor, contributor] };
  stage.answer("/now?model=digits", { ...now, cohort });
  await expect.poll(() => slots(".filled"), { timeout: 15_000 }).toBe(2); // it asks every five seconds
  const crowd = { ...cohort, size: 400, queued: 100 };
  stage.answer("/now?model=digits", { ...now, cohort: crowd });
  await expect.element(panel.getByRole("progressbar")).toHaveAttribute("max", "400");
});

test("an old answer about this minute does not pass for the present", async () => {
  stage = openPage();
  await page.getByRole("link", { name: "Leaderboard" }).first().click();
  await expect.element(page.getByText("Ada is training.")).toBeVisible();
  stage.die();
  await expect.element(page.getByText(/^When the relay last answered: Ada/)).toBeVisible();
});

test("my own place is in sight, be it among the first hundred or not", async () => {
  stage = openPage();
  const others = Array.from({ length: 60 }, (_, i) => ({
    rank: i + 1,
    contributor: `${i}`.padStart(64, "0"),
    credit: 9000 - i,
    merged: 4,
    lastMergedAt: 1,
  }));
  const own = { rank: 61, contributor, credit: 1200, merged: 4, lastMergedAt: 1 };
  const answer = (entries: object[]) =>
    stage.answer("/leaderboard?model=digits&window=all", {
      model: "digits",
      window: "all",
      entries,
    });
  answer([...others, own]);
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  await page.getByRole("button", { name: "Agree and start" }).click();
  await expect.poll(() => stage.calls.length).toBe(2);
  stage.tell({ phase: "training", step: 1, steps: 50 });
  await page.getByRole("link", { name: "Leaderboard" }).first().click();
  const row = page.getByRole("row", { name: /you/ });
  await expect.element(row).toBeVisible();
  const { bottom } = row.getByRole("rowheader").element().getBoundingClientRect();
  const strip = document.querySelector("aside")!.getBoundingClientRect();
  expect(bottom).toBeLessThanOrEqual(strip.top + 1);

  answer(others);
  stage.answer(`/contributors/${contributor}?model=digits`, {
    contributor,
    model: "digits",
    name: null,
    blanked: null,
    credit: 1200,
    merged: 4,
    judgedExamples: 0,
    rank: 132,
    of: 200,
    above: { contributor: "1".repeat(64), name: "Grace", credit: 1300 },
    firstMergedAt: 1,
    lastMergedAt: 1,
    versions: [],
    days: [],
  });
  stage.say("leaderboard", { model: "digits" });
  await expect.element(page.getByText(/^Place 132 of 200, by credit/)).toBeVisible();
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

test("a version's tests, flips, mask and merge rule can be read, and how to take a patch out", async () => {
  stage = openPage();
  location.hash = "#/history/digits/2";
  const details = page.getByRole("region", { name: "Tests of version 2" });
  await expect.element(details).toBeVisible();
  const text = () => document.querySelector("#version-2")?.textContent?.replace(/\s+/g, " ");
  for (const words of [
    "Gate examples, against version 1 (its parent): passed",
    "Gate examples, against version 0 (the release): passed",
    "Protected examples, against version 1 (its parent): passed",
    "100% of the proof it needs",
    "320 examples, loss −0.0012 on average",
    "Of 2,900 answers that version 0, the release, had right, 3 are wrong now; at most 1% may be (29).",
    "4,000 parameters (2%), chosen by what matters",
    "Each parameter moves by the weighted mean of the patches.",
  ]) {
    expect(text()).toContain(words);
  }
  await page.getByText("For maintainers: take a patch out again").click();
  await page.getByRole("combobox", { name: "Patch" }).selectOptions("3".repeat(8));
  await expect.poll(text).toContain(`revert digits ${"3".repeat(64)} --relay`);
  expect(text()).not.toContain("--insist");
  await page.getByRole("checkbox", { name: /^It must go/ }).click();
  await expect.poll(text).toContain('--reason "WHY" --insist');
  expect(text()).toContain(`npx commonweight ban ${contributor} --relay`);
});

test("names stand in the history and on Health where a contributor chose one, from one list", async () => {
  stage = openPage();
  stage.answer("/leaderboard?model=digits&window=all", {
    model: "digits",
    window: "all",
    entries: [{ rank: 1, contributor, name: "Ada", credit: 1200, merged: 4, lastMergedAt: 1 }],
  });
  const caught = { contributor, at: 1_000, contributions: ["3".repeat(64)], preview: null };
  stage.answer("/health", { ...health, models: [{ ...modelHealth, caught: [caught] }] });
  location.hash = "#/history/digits/2";
  await expect.element(page.getByRole("link", { name: "Ada" }).first()).toBeVisible();
  const inputs = version2.record.merge?.inputs ?? [];
  const count = inputs.filter((input) => input.contributor === contributor).length;
  expect(page.getByRole("link", { name: "Ada" }).all()).toHaveLength(count);
  await page.getByRole("link", { name: "Health" }).first().click();
  await expect.element(page.getByRole("button", { name: "Ada" })).toBeVisible();
});

test("a revert that a maintainer insisted on says that it did not pass the gate", async () => {
  stage = openPage();
  const { record, signature } = version2;
  const reverted = "3".repeat(64);
  const revert = { contributions: [reverted] };
  stage.answer(`/contributions/${reverted}`, {
    id: reverted,
    model: "digits",
    contributor,
    base: 1,
    state: "reverted",
    reason: { code: "reverted", message: "It swaps 4 and 9." },
    examples: 1,
    sizeBytes: 1,
    receivedAt: 1,
    updatedAt: 1,
    version: 1,
    multiplier: 1,
    credit: 0,
  });
  const evaluation = { ...record.evaluation, gate: null };
  const insisted = { signature, record: { ...record, merge: null, revert, evaluation } };
  stage.answer("/models/digits/versions/2", insisted);
  location.hash = "#/history/digits/2";
  const text = () => document.querySelector("#version-2")?.textContent?.replace(/\s+/g, " ");
  await expect.poll(text).toContain("A maintainer insisted, so it was published all the same");
  expect(text()).toContain("A maintainer took out what is listed here");
  await expect.poll(text).toContain("by ab12ab12. The maintainer's reason: “It swaps 4 and 9.”");
});

test("the last release wears its tag in the history and among the latest versions", async () => {
  stage = openPage();
  const release = { version: 1, tag: "1.2.0" };
  stage.answer("/health", { ...health, models: [{ ...modelHealth, release }] });
  const latest = page.getByRole("region", { name: "Latest versions" });
  await expect.element(latest.getByText("release 1.2.0")).toBeVisible();
  await page.getByRole("link", { name: "History" }).first().click();
  const row = page.getByRole("rowheader", { name: "Version 1 release 1.2.0" });
  await expect.element(row).toBeVisible();
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

test("an update that waits for a paused piece says so, and resumes it when asked", async () => {
  stage = openPage({ updateWaits: true });
  await expect.element(page.getByText(/^A new version of this page is ready/)).toBeVisible();
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  await page.getByRole("button", { name: "Agree and start" }).click();
  await expect.poll(() => stage.calls.length).toBe(2);
  stage.tell({ phase: "paused", underway: true, step: 1, steps: 50 });
  await page.getByRole("button", { name: "Update when this piece is done" }).click();
  const banner = page.getByRole("region", { name: "Update" });
  await expect.element(banner.getByText(/which is paused/)).toBeVisible();
  await banner.getByRole("button", { name: "Resume" }).click();
  await expect.poll(() => stage.calls.at(-1)).toEqual(["resume"]);
});

test("an address that names a model which is not there shows no other one's history", async () => {
  stage = openPage();
  location.hash = "#/history/unknown/12";
  await expect.element(page.getByRole("heading", { name: "There is no such model" })).toBeVisible();
  await page.getByRole("main").getByRole("link", { name: "Digits" }).click();
  await expect.element(page.getByRole("rowheader", { name: "Version 2" })).toBeVisible();
});

test("the page has its landmarks, one first heading, and no inline styles, which its policy refuses", async () => {
  stage = openPage();
  await expect.element(page.getByRole("heading", { level: 1 })).toBeVisible();
  for (const role of ["banner", "navigation", "main", "contentinfo"] as const) {
    expect(page.getByRole(role).elements(), role).toHaveLength(1);
  }
  expect(document.querySelectorAll("#main [style], header [style]")).toHaveLength(0);
});

test("what a model is for, and what work is welcome, is one tap below its curve", async () => {
  stage = openPage();
  await expect.element(page.getByText("Suites of faint digits.")).not.toBeVisible();
  await page.getByText("What it is for, and what work is welcome").click();
  await expect.element(page.getByText("Suites of faint digits.")).toBeVisible();
  await expect.element(page.getByText("Not meant for")).toBeVisible();
});
