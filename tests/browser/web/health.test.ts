/** Whether merging is healthy, as a maintainer reads it in five seconds (DESIGN §7). */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { page, userEvent } from "vitest/browser";
import type { ModelHealth } from "../../../core/protocol/schemas/status.ts";
import { alertLimits, health, modelHealth, suiteTest, summary } from "./relay-data.ts";
import { openPage } from "./stage.ts";

const home = new URL(".", document.baseURI).href.replace(/\/$/, "");
let stage: ReturnType<typeof openPage>;
beforeEach(async () => {
  stage = openPage();
  await page.getByRole("link", { name: "Health" }).first().click();
  await expect.element(page.getByText("Merging needs a maintainer")).toBeVisible();
});
afterEach(() => stage.close());

/** The relay tells that all is well, but for what `change` says. */
function tell(change: Partial<ModelHealth>): void {
  const waiting = { received: 1, scored: 2, queued: 3 };
  stage.say("health", {
    ...modelHealth,
    waiting,
    oldestSeconds: 20,
    lastMergeAt: Date.now() - 120_000,
    merged24h: 40,
    refused24h: 2,
    release: { version: 1, tag: "1.2.0" },
    standard: 1,
    onMask24h: 0.864,
    scoreSeconds: 0.42,
    problem: null,
    ...change,
  });
}

const verdict = () =>
  document.querySelector('[data-model="digits"]')?.textContent?.replace(/\s+/g, " ").trim();
/** The figures of the model, as "label value note". */
const figures = () =>
  [...document.querySelectorAll("#main dl > div")].map((figure) =>
    figure.textContent?.replace(/\s+/g, " ").trim(),
  );

test("trouble is the first thing that a maintainer reads, with the relay's reason", async () => {
  expect(verdict()).toBe("Digits: not merging. Scoring has stopped.");
  expect(page.getByRole("main").getByRole("status").element().textContent).toMatch(
    /Merging needs a maintainer/,
  );
});

test("the verdict follows the event stream, and is announced", async () => {
  tell({});
  await expect
    .element(page.getByRole("main").getByRole("status").getByText("Merging is healthy"))
    .toBeVisible();
  expect(verdict()).toBe(
    "Digits: healthy. 6 contributions wait, the oldest for 20 s. Last merge 2 min ago.",
  );
  tell({ waiting: { received: 90, scored: 0, queued: 0 }, oldestSeconds: 400 });
  await expect.element(page.getByText("Merging is slow")).toBeVisible();
  expect(verdict()).toMatch(/^Digits: slow. Work arrives faster than it is scored/);
});

test("a relay that stands still sends no events, so the page looks again by itself", async () => {
  await stage.close();
  vi.useFakeTimers({ toFake: ["setInterval", "Date"] });
  try {
    stage = openPage();
    await page.getByRole("link", { name: "Health" }).first().click();
    await expect.poll(verdict).toMatch(/Scoring has stopped/);
    const stuck = { ...modelHealth, problem: null, oldestSeconds: 7200 };
    stage.answer("/health", { ...health, models: [stuck] });
    vi.advanceTimersByTime(20_000);
    await expect.poll(verdict).toMatch(/not merging.*the oldest for 2 h/);
  } finally {
    vi.useRealTimers();
  }
});

test("the day's figures stand beside their targets", async () => {
  tell({});
  await expect
    .poll(figures)
    .toContain(
      "Came in time 86.4% of the day's work, before its parameters changed hands; target 80%",
    );
  expect(figures()).toContain("Relay time 0.42 s to judge a contribution");
  expect(figures()).toContain("Last release 1.2.0 version 1");
  expect(figures()).toContain("Queued to merge 3");
  tell({ onMask24h: 0.5, standard: 4 });
  await expect
    .poll(figures)
    .toContain(
      "Came in time 50.0% of the day's work, before its parameters changed hands; below the target of 80%",
    );
  expect(figures()).toContain("Last release 1.2.0 compared with version 4");
});

test("what volunteers passed on to each other stands there, where the relay brings them together", async () => {
  expect(document.querySelector("#main")?.textContent).not.toContain("Passed on");
  const swarm = { holders: 12, tried: 40, connected: 34, wrongChunks: 1 };
  tell({ swarm: { ...swarm, fromPeersBytes: 9_300_000, fromRelayBytes: 700_000 } });
  await expect
    .poll(figures)
    .toContain(
      "From each other 93.0% of 10 MB that sharing volunteers loaded; the rest came from the relay",
    );
  expect(figures()).toContain("Sharing now 12 browsers have parts for others");
  expect(figures()).toContain("Connected 85.0% of 40 attempts from browser to browser");
  expect(figures()).toContain("Wrong parts 1 found by their hash, and thrown away");
});

test("what has not happened yet is said in words", () => {
  for (const words of [
    "Last merge None yet",
    "Came in time No work yet of the day's work, before its parameters changed hands; target 80%",
    "Relay time None yet to judge a contribution",
    "Last release None yet compared with version 0",
  ]) {
    expect(figures()).toContain(words);
  }
  expect(document.querySelector("#main")?.textContent).toMatch(/No candidate was tested yet/);
});

test("the gate's newest candidate is shown with each test's evidence, earlier ones on demand", async () => {
  const flips = { version: 1, flips: 12, rightBefore: 2900, budget: 0.01 };
  const candidate = { at: Date.now() - 60_000, head: 2, contributions: 3 };
  const undecided = suiteTest({ suite: "protected", decision: "undecided", logEvidence: 1.2 });
  tell({
    gateTests: [
      { ...candidate, decision: "undecided", tests: [suiteTest(), undecided], flips: null },
      { ...candidate, decision: "pass", tests: [suiteTest()], flips },
    ],
  });
  const newest = page.getByText("3 patches on version 2: undecided, so not published");
  await expect.element(newest).toBeVisible();
  await expect.element(page.getByText("33% of the proof it needs")).toBeVisible();
  const bar = document.querySelector('[data-decision="undecided"] li[data-decision] + li .found');
  expect(Number(bar?.getAttribute("width"))).toBeCloseTo((1.2 / undecided.passAt) * 100);

  const earlier = page.getByText("3 patches on version 2: passed");
  await expect.element(earlier).not.toBeVisible();
  const summary = page.getByText("The candidate before: 1 passed");
  (summary.element() as HTMLElement).focus();
  await userEvent.keyboard("{Enter}");
  await expect.element(earlier).toBeVisible();
  await expect.element(page.getByText(/12 are wrong now; at most 1% may be \(29\)/)).toBeVisible();
});

test("when the relay dies, what was healthy is grey at once, with the time of the last answer", async () => {
  tell({});
  await expect.element(page.getByText("Merging is healthy")).toBeVisible();
  stage.die();
  await expect
    .element(page.getByRole("main").getByRole("status").getByText("No news from the relay"))
    .toBeVisible();
  expect(document.querySelectorAll('#main [data-state="healthy"]')).toHaveLength(0);
  expect(page.getByText("Merging is healthy").elements()).toHaveLength(0);
});

test("a head that fell behind the best version is told of, though nothing waits", async () => {
  const worse = { ...summary(3), report: { examples: 3000, lossNats: 0.6, accuracy: 0.8 } };
  tell({ head: 3, release: null, waiting: { received: 0, scored: 0, queued: 0 } });
  stage.say("version", { model: "digits", version: worse });
  await expect.element(page.getByText("Merging needs a maintainer")).toBeVisible();
  expect(verdict()).toMatch(/^Digits: getting worse. Version 3 is right on 80.0%, −8.00 points/);
});

test("a revert that was published without passing says so", async () => {
  const revert = {
    at: 1,
    head: 2,
    contributions: 0,
    decision: "undecided",
    tests: [],
    flips: null,
  };
  tell({ gateTests: [revert as never] });
  stage.say("version", {
    model: "digits",
    version: { ...summary(3), contributions: 0, contributors: 0 },
  });
  await expect
    .element(page.getByText(/did not pass \(undecided\); published as version 3/))
    .toBeVisible();
});

test("a maintainer finds the commands that pause a model and go on with it", async () => {
  await page.getByText(/For maintainers: pause/).click();
  for (const action of ["pause", "resume"]) {
    const words = `npx commonweight ${action} digits --relay ${home} --token-file FILE --reason "WHY"`;
    await expect.element(page.getByText(words)).toBeVisible();
  }
});

test("who was refused is named with the reason, the pieces behind it and the command that bans", async () => {
  const poisoner = "dead".repeat(16);
  const pieces = ["4", "5"].map((digit) => digit.repeat(64));
  const group = { contributor: poisoner, code: "harmful", count: 6, lastAt: 1 };
  stage.answer("/refused-work?model=digits", {
    model: "digits",
    groups: [{ ...group, contributions: pieces }],
  });
  await page.getByRole("link", { name: "About" }).first().click();
  await page.getByRole("link", { name: "Health" }).first().click();
  const row = page.getByRole("row", { name: /deaddead.*made the model worse.*6/ });
  await expect.element(row).toBeVisible();
  await page.getByRole("button", { name: "deaddead" }).click();
  await expect
    .element(page.getByText(new RegExp(`commonweight ban ${poisoner} --relay`)))
    .toBeVisible();
  await expect.element(page.getByText(/Patch 44444444/)).toBeVisible();
});

test("who was refused goes by the chosen name, with the key behind it", async () => {
  const poisoner = "dead".repeat(16);
  const group = { contributor: poisoner, name: "Mallory", code: "harmful", count: 6, lastAt: 1 };
  stage.answer("/refused-work?model=digits", {
    model: "digits",
    groups: [{ ...group, contributions: ["4".repeat(64)] }],
  });
  await page.getByRole("link", { name: "About" }).first().click();
  await page.getByRole("link", { name: "Health" }).first().click();
  await page.getByRole("button", { name: "Mallory" }).click();
  await expect.element(page.getByText(`Key ${poisoner}`)).toBeVisible();
});

test("what needs a maintainer is told with its model, since when, and the work behind it; who is not signed in sets no limits", async () => {
  const alert = {
    kind: "refusals",
    model: "digits",
    about: "device an odd GPU",
    since: Date.now() - 120_000,
    why: "Of the device “an odd GPU”, 9 of 10 pieces of work were refused, far more than of the others.",
    contributions: ["4".repeat(64)],
  };
  await expect.element(page.getByText("Nothing is past its limit.")).toBeVisible();
  stage.answer("/alerts", { limits: alertLimits, alerts: [alert] });
  await page.getByRole("link", { name: "About" }).first().click();
  await page.getByRole("link", { name: "Health" }).first().click();
  await expect.element(page.getByText("Digits: More is refused")).toBeVisible();
  await expect.element(page.getByText("for 2 min")).toBeVisible();
  await expect.element(page.getByText(/9 of 10 pieces of work/)).toBeVisible();
  await page.getByText("The work behind it").click();
  await expect.element(page.getByText(/Patch 44444444/)).toBeVisible();
  await expect.element(page.getByText("Limits", { exact: true })).not.toBeInTheDocument();
});

test("a relay that no longer tells its alerts is not taken for one of which nothing is past its limit", async () => {
  await expect.element(page.getByText("Nothing is past its limit.")).toBeVisible();
  stage.answer("/alerts", undefined);
  await page.getByRole("link", { name: "About" }).first().click();
  await page.getByRole("link", { name: "Health" }).first().click();
  const alerts = page.getByRole("region", { name: "Alerts" });
  await expect.element(alerts.getByText(/What follows was so before/)).toBeVisible();
  await expect.element(alerts.getByText("Nothing was past its limit.")).toBeVisible();
  await expect.element(alerts.getByText("Nothing is past its limit.")).not.toBeInTheDocument();
});

test("a device and a build of which more is refused than of the others are named, with the pieces behind them", async () => {
  const share = { refused: 18, arrived: 20, sigma: 13.9, contributions: ["4".repeat(64)] };
  const other = { refused: 4, arrived: 250, sigma: -13.9, contributions: ["5".repeat(64)] };
  stage.answer("/refused-work?model=digits", {
    model: "digits",
    groups: [],
    devices: [
      { ...share, name: "an odd GPU" },
      { ...other, name: "a plain GPU" },
    ],
    builds: [{ ...share, sigma: 0, name: "commonweight 0.0.9" }],
  });
  await page.getByRole("link", { name: "About" }).first().click();
  await page.getByRole("link", { name: "Health" }).first().click();
  const odd = page.getByRole("row", { name: /an odd GPU far more than of the others 18 20/ });
  await expect.element(odd).toBeVisible();
  await expect.element(page.getByRole("row", { name: /^a plain GPU 4 250/ })).toBeVisible();
  await expect.element(page.getByRole("row", { name: /^commonweight 0.0.9 18 20/ })).toBeVisible();
  await page.getByRole("button", { name: "an odd GPU" }).click();
  await expect.element(page.getByText(/Patch 44444444/)).toBeVisible();
});

test("what became of the day's work is told station by station, with the losses by reason", async () => {
  await expect.element(page.getByText("From the upload to a judgement")).toBeVisible();
  const stations = () =>
    [...document.querySelectorAll("[data-stage]")].map((each) =>
      each.textContent?.replace(/\s+/g, " ").trim(),
    );
  expect(stations()).toEqual([
    "Received 10 1 lost: copied",
    "Well-formed 9",
    "Screened 9 1 lost: harmful",
    "Scored, or not drawn 8 1 waits here",
    "Queued 7",
    "Merged 7",
  ]);
  await expect
    .element(page.getByText("3.1 s for half of them, up to 12 s for 95 of 100"))
    .toBeVisible();
  await expect
    .element(page.getByText("31 s for half of them, up to 3 min for 95 of 100"))
    .toBeVisible();
  await expect
    .element(page.getByRole("img", { name: "Received, from 0 to 2, at most 2" }))
    .toBeVisible();
});

test("a loss leads to the pieces behind it", async () => {
  const group = (code: string) => ({
    contributor: "ab12".repeat(16),
    name: null,
    code,
    count: 1,
    lastAt: 1,
    contributions: ["3".repeat(64)],
  });
  const groups = [group("harmful"), group("copied")];
  stage.answer("/refused-work?model=digits", { model: "digits", groups });
  await page.getByRole("button", { name: "1 lost: harmful" }).click();
  await expect.element(page.getByText(/^Only what was refused as/)).toBeVisible();
  const codes = () =>
    [...document.querySelectorAll("tbody td .id")].map(({ textContent }) => textContent);
  await expect.poll(codes, { timeout: 30_000 }).toEqual(["harmful"]); // it asks every 15 seconds
  await page.getByRole("button", { name: "Show all" }).click();
  await expect.poll(codes).toEqual(["harmful", "copied"]);
});
