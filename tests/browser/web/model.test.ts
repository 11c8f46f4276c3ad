/** The card of a model, for who wants to use it. */
import { afterEach, expect, test } from "vitest";
import { page } from "vitest/browser";
import {
  card,
  contributor,
  health,
  modelHealth,
  summary,
  upstream,
  version2,
  waitingSuite,
} from "./relay-data.ts";
import { openPage } from "./stage.ts";

let stage: ReturnType<typeof openPage>;
afterEach(() => stage.close());

const section = (name: string) => page.getByRole("region", { name });
const textOf = (name: string) => () =>
  section(name).element().textContent?.replace(/\s+/g, " ") ?? "";

test("the card says what the model is for and not for, its data and both licences", async () => {
  stage = openPage();
  await page.getByRole("link", { name: "Model", exact: true }).click();
  await expect.element(page.getByRole("heading", { level: 1, name: "Digits" })).toBeVisible();
  const text = textOf("What it is for");
  expect(text()).toContain("Its owner has not said.");
  expect(text()).toContain("It reads no letters.");
  expect(text()).toContain("CC0-1.0");
  expect(text()).toContain("MNIST (CC-BY-SA-3.0)");
});

test("a fork names the version that it began as, with a link to it there: on the card, on its first page and in its version 0", async () => {
  stage = openPage({ lineage: [upstream] });
  const there = "https://upstream.example:8443/models/#/history/figures/12";
  const words = "Forked from figures@12 of upstream.example:8443 (CC0-1.0)";
  const link = () => page.getByRole("link", { name: "figures@12" });
  const text = () => document.querySelector("#main")?.textContent?.replace(/\s+/g, " ");
  await expect.element(link()).toHaveAttribute("href", there);
  expect(text()).toContain(`${words}. Licence CC0-1.0.`);

  location.hash = "#/model/digits";
  await expect.element(section("What it is for")).toBeVisible();
  await expect.element(link()).toHaveAttribute("href", there);
  expect(textOf("What it is for")()).toContain(words);

  const { record, signature } = version2;
  const first = { ...record, number: 0, parent: null, merge: null, lineage: [upstream] };
  stage.answer("/models/digits/versions/0", { signature, record: first });
  location.hash = "#/history/digits/0";
  const opened = () => document.querySelector("#version-0")?.textContent?.replace(/\s+/g, " ");
  await expect.poll(opened).toContain(words);
  await expect.element(link()).toHaveAttribute("href", there);
});

test("a model that was forked from nothing says nothing of it", async () => {
  stage = openPage();
  location.hash = "#/model/digits";
  await expect.element(section("What it is for")).toBeVisible();
  expect(document.body.textContent).not.toMatch(/forked/i);
});

test("how good it is comes with the range of chance, and the best version and the release are marked", async () => {
  stage = openPage();
  const release = { version: 1, tag: "1.2.0" };
  stage.answer("/health", { ...health, models: [{ ...modelHealth, release }] });
  const { record, signature } = version2;
  const evaluation = { ...record.evaluation, report: summary(1).report };
  stage.answer("/models/digits/versions/1", { signature, record: { ...record, evaluation } });
  location.hash = "#/model/digits";
  const row = (name: string) => page.getByRole("row", { name });
  await expect.element(row("Version 2 newest best 88.0% 86.8% to 89.1%")).toBeVisible();
  await expect.element(row("Version 1 release 1.2.0 87.0% 85.7% to 88.2%")).toBeVisible();
  await expect.element(row("Version 0 start 86.0% 84.7% to 87.2%")).toBeVisible();
});

test("every suite that the newest version passed stands there, with the bound that was shown", async () => {
  stage = openPage();
  location.hash = "#/model/digits";
  const row = (name: string) => page.getByRole("row", { name });
  await expect
    .element(row("Gate examples, against version 1 (its parent) −0.0012 0.01 nats"))
    .toBeVisible();
  await expect
    .element(row("Protected examples, against version 1 (its parent) +0.0004 not recorded"))
    .toBeVisible();
});

test("a suite that people contributed says how good the model was on it", async () => {
  stage = openPage();
  stage.answer("/models/digits/suites", { suites: [{ ...waitingSuite, state: "accepted" }] });
  location.hash = "#/model/digits";
  await expect
    .element(section("How good it is").getByText(/Version 2 had 80.0% of them right/))
    .toBeVisible();
  expect(textOf("How good it is")()).toContain("(75.8% to 83.6% in 95 of 100 cases)");
});

test("a download is one click away, and a program in either language can be copied", async () => {
  stage = openPage();
  location.hash = "#/model/digits";
  const use = section("Use it");
  const plain = use.getByRole("link", { name: /any tool.*f32/ });
  const url = "http://relay/api/v1/models/digits/versions/2/export.safetensors";
  await expect.element(plain).toHaveAttribute("href", url);
  await expect.element(use.getByText(/^import json/)).toBeVisible();
  await use.getByRole("radio", { name: "JavaScript" }).click({ force: true });
  await expect.element(use.getByText(/^const answer = await fetch/)).toBeVisible();
  await expect.element(use.getByRole("button", { name: "Copy the program" })).toBeVisible();
});

test("how it is built, who looks after it, and how to cite it", async () => {
  stage = openPage();
  const { recipe } = card;
  const act = (number: number, reason: string, deed: object) => ({
    signature: "5".repeat(128),
    record: {
      format: "commonweight.act/1",
      model: "digits",
      number,
      parent: null,
      createdAt: 1_000,
      relayKey: contributor,
      head: { number: 2, id: summary(2).id },
      reason,
      deed,
    },
  });
  stage.answer("/models/digits/acts", {
    acts: [
      act(0, "Larger steps.", { kind: "recipe", before: "a".repeat(64), recipe }),
      act(1, "Good enough to use.", {
        kind: "release",
        tag: "1.2.0",
        version: { number: 1, id: summary(1).id },
      }),
      act(2, "Winter digits.", {
        kind: "add-data",
        source: "winter.csv",
        licence: "CC-BY-4.0",
        list: "b".repeat(64),
        first: 6,
        shards: 2,
        examples: 1200,
        removed: { heldOut: 0, known: 0 },
      }),
    ],
  });
  location.hash = "#/model/digits";
  await expect.element(page.getByText("Released version 1 as 1.2.0")).toBeVisible();
  expect(textOf("Who looks after it")()).toMatch(
    /Released version 1 as 1.2.0.*Good enough.*Changed the recipe.*Larger steps/,
  );
  expect(textOf("Who looks after it")()).toContain("Added 1,200 examples of data: winter.csv");
  expect(textOf("What it is for")()).toContain(
    "Since then: winter.csv (CC-BY-4.0), 1,200 examples.",
  );
  expect(textOf("How it is built")()).toContain("784 → 8 → 10");
  expect(textOf("How it is built")()).toContain("50 steps of 32 examples");
  expect(textOf("Cite it")()).toContain(`Commonweight version ${summary(2).id}, licence CC0-1.0`);
});

test("a release with a bundle can be taken along signed, and one from before bundles offers none", async () => {
  stage = openPage();
  const release = { version: 1, tag: "1.2.0" };
  stage.answer("/health", { ...health, models: [{ ...modelHealth, release }] });
  const act = (number: number, deed: object) => ({
    signature: "ab".repeat(64),
    record: {
      format: "commonweight.act/1",
      model: "digits",
      number,
      parent: null,
      createdAt: 1_000,
      relayKey: contributor,
      head: { number: 2, id: summary(2).id },
      reason: "Good enough to use.",
      deed,
    },
  });
  const deed = { kind: "release", tag: "1.2.0", version: { number: 1, id: summary(1).id } };
  const key = act(0, { kind: "release-key", key: `02${"a".repeat(64)}` });
  const link = page.getByRole("link", { name: "Release 1.2.0, signed" });
  stage.answer("/models/digits/acts", { acts: [key, act(1, deed)] });
  location.hash = "#/model/digits";
  await expect.element(page.getByText("Released version 1 as 1.2.0")).toBeVisible();
  expect(link.elements()).toEqual([]);
  await stage.close();
  stage = openPage();
  stage.answer("/health", { ...health, models: [{ ...modelHealth, release }] });
  const named = { ...deed, recipe: "b".repeat(64) };
  stage.answer("/models/digits/acts", { acts: [key, act(1, named)] });
  location.hash = "#/model/digits";
  await expect
    .element(link)
    .toHaveAttribute(
      "href",
      expect.stringMatching(/\/models\/digits\/versions\/1\.2\.0\/downloads\/release\.zip$/),
    );
});
