/** A maintainer at work: signed in, every act is looked at first, needs a reason, and can be undone where that can be. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { axeComplaints } from "./complaints.ts";
import { alertLimits, contributor, modelHealth, waitingSuite } from "./relay-data.ts";
import { openPage } from "./stage.ts";

const poisoner = "dead".repeat(16);
const patch = "3".repeat(64);
const session = { maintainer: "ada", until: 1_000 };
let stage: ReturnType<typeof openPage>;
beforeEach(() => {
  stage = openPage();
  stage.answer("/admin/audit", { entries: [] });
});
afterEach(() => stage.close());

const button = (name: string | RegExp) => page.getByRole("button", { name });
const dialog = () => page.getByRole("dialog");
const reason = () => page.getByLabelText("Reason, for everyone to read");

async function openHealth(): Promise<void> {
  await page.getByRole("link", { name: "Health" }).first().click();
}

test("with a token one signs in on Health, and signs out again", async () => {
  await openHealth();
  await expect.element(page.getByLabelText("Token")).toBeVisible();
  stage.answer("/admin/session", session);
  stage.answer("/admin/session-end", session);
  await page.getByLabelText("Token").fill("t".repeat(64));
  await button("Sign in").click();
  await expect.element(page.getByText(/^You are signed in as ada/)).toBeVisible();
  await expect.element(page.getByRole("heading", { name: "Who did what" })).toBeVisible();
  await button("Sign out").click();
  await expect.element(page.getByLabelText("Token")).toBeVisible();
});

test("who is not signed in has the commands, and no button that would be refused", async () => {
  await openHealth();
  await page.getByText(/^For maintainers: pause/).click();
  await expect.element(page.getByText(/npx commonweight pause digits/)).toBeVisible();
  await expect.element(button("Pause …")).not.toBeInTheDocument();
});

test("a bad contributor is found and banned in four clicks, for a reason, and the ban undone", async () => {
  stage.answer("/admin/session", session);
  stage.answer("/refused-work?model=digits", {
    model: "digits",
    groups: [
      { contributor: poisoner, code: "harmful", count: 6, lastAt: 1_000, contributions: [patch] },
    ],
  });
  stage.answer(`/admin/preview/ban?contributor=${poisoner}`, {
    contributor: poisoner,
    banned: null,
    models: [{ model: "digits", waiting: 2, merged: 1 }],
  });
  stage.answer("/admin/ban", { contributor: poisoner, banned: true, refused: 2 });
  stage.answer("/admin/unban", { contributor: poisoner, banned: false, refused: 0 });
  await openHealth();
  await button("deaddead").click();
  await button("Ban …").click();
  await expect
    .element(
      dialog().getByText(
        "digits: 2 patches that wait would be refused, 1 patch in the model would stay.",
      ),
    )
    .toBeVisible();
  await button("Ban").click();
  expect(stage.posts).toEqual([]); // a reason is missing
  await reason().fill("six poisoned patches");
  await button("Ban").click();
  await expect.element(dialog().getByText(/No work of deaddead is taken any more/)).toBeVisible();
  expect(stage.posts).toEqual([
    ["/admin/ban", { contributor: poisoner, reason: "six poisoned patches" }],
  ]);
  await button("Undo").click();
  await expect
    .element(page.getByRole("heading", { name: "Take work of deaddead again" }))
    .toBeVisible();
  await reason().fill("it was a test");
  await button("Take it again").click();
  await expect.element(dialog().getByText("Work of deaddead is taken again.")).toBeVisible();
  expect(stage.posts[1]).toEqual([
    "/admin/unban",
    { contributor: poisoner, reason: "it was a test" },
  ]);
});

test("a patch that the gate wants to keep goes only if the maintainer insists", async () => {
  const report = { examples: 3000, lossNats: 0.4, accuracy: 0.9 };
  const outlook = {
    model: "digits",
    contribution: "1".repeat(64),
    contributor,
    version: 2,
    multiplier: 2048,
    credit: 10,
    head: 2,
    replayed: 1,
    later: { contributions: 0, contributors: 0 },
    changed: 2_000,
    parameters: 200_000,
    norm: 1,
    tensors: [],
    report: { before: report, after: { ...report, accuracy: 0.88 } },
    tests: [],
    flips: null,
    objection: "the model without it is worse than the head",
  };
  const asked = `/admin/preview/revert?model=digits&contribution=${"1".repeat(64)}`;
  stage.answer("/admin/session", session);
  stage.answer(asked, { state: "working" });
  stage.answer("/admin/revert", {
    model: "digits",
    contribution: "1".repeat(64),
    reason: "x",
    state: "published",
    message: null,
    requestedAt: 1,
    decidedAt: 2,
    version: 3,
  });
  await openHealth();
  await expect.element(button("Sign out")).toBeVisible();
  location.hash = "#/history/digits/2";
  await page.getByText("For maintainers: take a patch out again").click();
  await button("Take it out …").click();
  await expect.element(dialog().getByText("Asking the relay what would happen …")).toBeVisible();
  stage.answer(asked, { state: "ready", outlook });
  await expect.element(dialog().getByText(/Accuracy 90.0% now, 88.0% without it/)).toBeVisible();
  await reason().fill("not theirs to give");
  await button("Take it out").click();
  expect(stage.posts).toEqual([]);
  await page.getByLabelText("It must go, even so").click();
  await button("Take it out").click();
  await expect
    .element(dialog().getByText("Version 3 of digits is without patch 11111111."))
    .toBeVisible();
  expect(stage.posts[0]?.[1]).toMatchObject({ insist: true, reason: "not theirs to give" });
});

test("a release has the number that the evidence proposes, and is taken back from where it was made", async () => {
  stage.answer("/admin/session", session);
  stage.answer("/admin/preview/tag?model=digits&version=2", {
    model: "digits",
    version: 2,
    last: null,
    step: "first",
    proposed: "0.1.0",
    tests: [],
    newSuites: [],
    report: { before: null, after: { examples: 3000, lossNats: 0.4, accuracy: 0.9 } },
  });
  stage.answer("/admin/tag", { ...modelHealth, release: { version: 2, tag: "0.1.0" } });
  await openHealth();
  await button("Release …").click();
  await expect.element(page.getByLabelText("Number")).toHaveValue("0.1.0");
  await reason().fill("good enough for others");
  await button("Release").click();
  await expect.element(dialog().getByText("Version 2 of digits is release 0.1.0.")).toBeVisible();
  stage.answer("/admin/untag", modelHealth);
  await button("Undo").click();
  await expect
    .element(page.getByRole("heading", { name: "Take release 0.1.0 of digits back" }))
    .toBeVisible();
  await reason().fill("it was a test");
  await button("Take it back").click();
  await expect
    .element(dialog().getByText("Version 2 of digits is release 0.1.0 no more."))
    .toBeVisible();
  expect(stage.posts.at(-1)).toEqual([
    "/admin/untag",
    { model: "digits", tag: "0.1.0", reason: "it was a test" },
  ]);
  await button("Close").click();
  await expect.element(dialog()).not.toBeInTheDocument();
});

test("the history tells of a suite at once when a maintainer accepts it, and not of what anybody proposes", async () => {
  const refused = { ...waitingSuite, id: "cd".repeat(32), state: "refused", decidedAt: 2_000 };
  stage.answer("/models/digits/suites", { suites: [waitingSuite, refused] });
  await page.getByRole("link", { name: "History" }).first().click();
  await expect.element(page.getByText("None is in force yet.")).toBeVisible();
  expect(document.body.textContent).not.toContain(waitingSuite.header.reason);
  const accepted = { ...waitingSuite, state: "accepted", decidedAt: 2_000 };
  stage.answer("/models/digits/suites", { suites: [accepted] });
  stage.say("health", { ...modelHealth, acts: modelHealth.acts + 1 });
  await expect.element(page.getByText(waitingSuite.header.reason)).toBeVisible();
});

test("a suite that somebody proposed is looked through and accepted, and everybody reads what it stops", async () => {
  const { id, header } = waitingSuite;
  stage.answer("/models/digits/suites", { suites: [waitingSuite] });
  await openHealth();
  await page.getByText("For maintainers: accept a suite, or refuse it").click();
  await expect
    .element(page.getByText(/^npx commonweight suite accept digits slanted-sevens --relay/))
    .toBeVisible();

  stage.answer("/admin/session", session);
  stage.answer("/admin/session-end", session);
  await page.getByLabelText("Token").fill("t".repeat(64));
  await button("Sign in").click();
  await button("Accept …").click();
  await expect.element(dialog().getByText(`Why: ${header.reason}`)).toBeVisible();
  await expect.element(dialog().getByText(/^Set aside: 1 example that/)).toBeVisible();
  await expect
    .element(dialog().getByText(/worse on them than the release, version 0 .* nothing would pass/))
    .toBeVisible();
  const accepted = { ...waitingSuite, state: "accepted", decidedAt: 2_000, stopped: 2 };
  stage.answer("/admin/accept-suite", accepted);
  stage.answer("/models/digits/suites", { suites: [accepted] });
  await reason().fill("forms count");
  await button("Accept").click();
  expect(stage.posts.at(-1)).toEqual([
    "/admin/accept-suite",
    { model: "digits", suite: id, reason: "forms count" },
  ]);
  await button("Close").click();
  await expect.element(button("Withdraw …")).toBeVisible();

  location.hash = "#/history/digits";
  const section = page.getByRole("region", { name: "Suites that people contributed" });
  await expect.element(section.getByText("slanted-sevens")).toBeVisible();
  await expect.element(section.getByText(/Kept 2 patches out so far/)).toBeVisible();
  await expect.element(button("Withdraw …")).not.toBeInTheDocument();
});

test("a maintainer sets from where on an alert is one, for a reason, and turns one off by an empty field", async () => {
  stage.answer("/admin/session", session);
  await openHealth();
  await page.getByText("Limits", { exact: true }).click();
  await page.getByLabelText(/^Nothing is merged: from/).fill("6");
  await page.getByLabelText(/^The disk fills: from/).fill("80");
  await page.getByLabelText(/^One network does much: from/).fill("");
  await page.getByLabelText("Reason, for the audit log").fill("Quiet nights.");
  const limits = { ...alertLimits, "no-merge": 6, disk: 0.8, network: null };
  const full = {
    kind: "disk",
    model: null,
    about: "",
    since: 1,
    why: "The relay's disk is 85% full.",
    contributions: [],
  };
  stage.answer("/admin/alerts", { limits, alerts: [full] });
  await button("Set the limits").click();
  await expect.element(page.getByText("The limits are set.")).toBeVisible();
  await expect.element(page.getByText("The relay's disk is 85% full.")).toBeVisible();
  expect(stage.posts.filter(([path]) => path === "/admin/alerts")).toEqual([
    ["/admin/alerts", { limits, reason: "Quiet nights." }],
  ]);
});

test("what another maintainer set meanwhile is shown, and stays as it is where only another field is changed", async () => {
  stage.answer("/admin/session", session);
  await openHealth();
  await page.getByText("Limits", { exact: true }).click();
  const ofBoth = { ...alertLimits, "no-merge": 6, disk: 0.7 };
  stage.answer("/admin/alerts", { limits: ofBoth, alerts: [] }); // the disk's is somebody else's
  await page.getByLabelText(/^Nothing is merged: from/).fill("6");
  await page.getByLabelText("Reason, for the audit log").fill("Quiet nights.");
  await button("Set the limits").click();
  await expect.element(page.getByLabelText(/^The disk fills: from/)).toHaveValue(70);
  await page.getByLabelText(/^Answers flip: from/).fill("40");
  await page.getByLabelText("Reason, for the audit log").fill("Calm days.");
  await button("Set the limits").click();
  await expect.poll(() => stage.posts.filter(([path]) => path === "/admin/alerts")).toHaveLength(2);
  expect(stage.posts.at(-1)).toEqual([
    "/admin/alerts",
    { limits: { ...ofBoth, flips: 0.4 }, reason: "Calm days." },
  ]);
});

test("with the keyboard alone the limits are opened, walked through in their order and set, and axe has nothing to complain of", async () => {
  stage.answer("/admin/session", session);
  await openHealth();
  const summary = page.getByText("Limits", { exact: true });
  await expect.element(summary).toBeVisible();
  (summary.element() as HTMLElement).focus();
  await userEvent.keyboard("{Enter}");
  const form = page.getByRole("button", { name: "Set the limits" }).element().closest("form")!;
  for (const field of form.querySelectorAll("input, textarea")) {
    await userEvent.keyboard("{Tab}");
    expect(document.activeElement).toBe(field);
  }
  expect(await axeComplaints()).toEqual([]);
  stage.answer("/admin/alerts", { limits: alertLimits, alerts: [] });
  await userEvent.keyboard("{Tab}{Enter}");
  expect(stage.posts).toEqual([]); // a reason is missing
  await expect.element(page.getByLabelText("Reason, for the audit log")).toHaveFocus();
  await userEvent.keyboard("Quiet nights.{Tab}{Enter}");
  await expect.element(page.getByText("The limits are set.")).toBeVisible();
  expect(await axeComplaints()).toEqual([]);
  expect(stage.posts).toEqual([
    ["/admin/alerts", { limits: alertLimits, reason: "Quiet nights." }],
  ]);
});
