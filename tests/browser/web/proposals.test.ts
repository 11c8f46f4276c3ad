/** What forks propose: a maintainer who is signed in decides about it on Health (protocol K). */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { page, userEvent } from "vitest/browser";
import { axeComplaints } from "./complaints.ts";
import { waitingProposal } from "./relay-data.ts";
import { openPage } from "./stage.ts";

const PROPOSALS = "/models/digits/proposals";
const second = { ...waitingProposal, id: "9".repeat(64), examples: 1 };
const elsewhere = {
  ...waitingProposal,
  id: "a".repeat(64),
  fork: { ...waitingProposal.fork, model: "faint", version: "b".repeat(64) },
  base: 0,
};
const decided = { ...waitingProposal, id: "c".repeat(64), state: "accepted", decidedAt: 2_000 };
let stage: ReturnType<typeof openPage>;
beforeEach(() => {
  stage = openPage();
  stage.answer("/admin/audit", { entries: [] });
});
afterEach(() => stage.close());

const button = (name: string) => page.getByRole("button", { name });
const dialog = () => page.getByRole("dialog");
const reason = () => page.getByLabelText("Reason, for everyone to read");
const text = () => document.querySelector("#main")?.textContent?.replace(/\s+/g, " ") ?? "";

async function openSignedIn(proposals: readonly unknown[]): Promise<void> {
  stage.answer("/admin/session", { maintainer: "ada", until: 1_000 });
  stage.answer(PROPOSALS, { proposals });
  await page.getByRole("link", { name: "Health" }).first().click();
  await expect.element(page.getByRole("heading", { name: "Proposals from forks" })).toBeVisible();
}

test("K2: what waits stands under the fork that it comes from, with whose it is and how much", async () => {
  await openSignedIn([waitingProposal, elsewhere, second, decided]);
  await expect.element(button("Accept …").nth(2)).toBeVisible();
  expect(text()).toContain(
    "2 patches, made for my-digits, which was forked from version 1 here (relay efefefef): 66666666 by ab12ab12",
  );
  expect(text()).toContain("trained on 600 examples, 3.0 kB, proposed");
  expect(text()).toContain("99999999 by ab12ab12 trained on 1 example, 3.0 kB");
  expect(text()).toContain("1 patch, made for faint, which was forked from version 0 here");
  expect(text()).not.toContain("cccccccc");
  expect(await axeComplaints()).toEqual([]);
});

test("K2: who is not signed in is asked nothing about proposals", async () => {
  stage.answer(PROPOSALS, { proposals: [waitingProposal] });
  await page.getByRole("link", { name: "Health" }).first().click();
  await expect.element(page.getByLabelText("Token")).toBeVisible();
  expect(text()).not.toContain("Proposals from forks");
});

test("K2: with the keyboard alone, a proposal is looked at and accepted for a reason, and is listed no more", async () => {
  await openSignedIn([waitingProposal]);
  const accept = button("Accept …");
  await expect
    .element(accept)
    .toHaveAccessibleDescription(/^66666666 by ab12ab12 trained on 600 examples/);
  (accept.element() as HTMLElement).focus();
  await userEvent.keyboard("{Enter}");
  await expect
    .element(page.getByRole("heading", { name: "Let patch 66666666 be judged for digits" }))
    .toBeVisible();
  await expect
    .element(dialog().getByText("It was made for my-digits of the relay efefefef."))
    .toBeVisible();
  await expect
    .element(dialog().getByText("It was trained on version 1 here, and the newest is version 2."))
    .toBeVisible();
  await expect.element(dialog().getByText(/its data are the fork's/)).toBeVisible();
  expect(await axeComplaints()).toEqual([]);
  await button("Accept").click();
  expect(stage.posts).toEqual([]); // a reason is missing

  const accepted = { ...waitingProposal, state: "accepted", decidedAt: 2_000 };
  stage.answer("/admin/accept-proposal", accepted);
  stage.answer(PROPOSALS, { proposals: [accepted] });
  (reason().element() as HTMLElement).focus();
  await userEvent.keyboard("Their scans help us.{Tab}{Enter}");
  await expect.element(dialog().getByText("Patch 66666666 waits to be judged.")).toBeVisible();
  expect(stage.posts).toEqual([
    [
      "/admin/accept-proposal",
      { model: "digits", proposal: waitingProposal.id, reason: "Their scans help us." },
    ],
  ]);
  await userEvent.keyboard("{Escape}");
  await expect.element(dialog()).not.toBeInTheDocument();
  await expect.element(page.getByText("No proposal waits.")).toBeVisible();
});

test("K2: a proposal is refused for a reason that its author can read", async () => {
  await openSignedIn([waitingProposal]);
  await button("Refuse …").click();
  await expect.element(dialog().getByText(/its author could read the reason/)).toBeVisible();
  const refused = { ...waitingProposal, state: "refused", message: "Other digits than ours." };
  stage.answer("/admin/refuse-proposal", { ...refused, decidedAt: 2_000 });
  stage.answer(PROPOSALS, { proposals: [{ ...refused, decidedAt: 2_000 }] });
  await reason().fill("Other digits than ours.");
  await button("Refuse").click();
  await expect.element(dialog().getByText("Patch 66666666 is refused.")).toBeVisible();
  await expect.element(dialog().getByText("After a week it can be proposed again.")).toBeVisible();
  expect(stage.posts).toEqual([
    [
      "/admin/refuse-proposal",
      { model: "digits", proposal: waitingProposal.id, reason: "Other digits than ours." },
    ],
  ]);
});

test("a proposal is no event, so the page looks for new ones by itself", async () => {
  vi.useFakeTimers({ toFake: ["setInterval"] });
  try {
    await openSignedIn([]);
    await expect.element(page.getByText("No proposal waits.")).toBeVisible();
    stage.answer(PROPOSALS, { proposals: [waitingProposal] });
    vi.advanceTimersByTime(20_000);
    await expect.element(button("Accept …")).toBeVisible();
  } finally {
    vi.useRealTimers();
  }
});
