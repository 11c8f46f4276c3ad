/** DESIGN §7: what a volunteer sees and can do, in a real browser. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import type { SwarmSnapshot } from "../../../worker/api.ts";
import { modelHealth, queuedPiece, summary } from "./relay-data.ts";
import { openPage } from "./stage.ts";

let stage: ReturnType<typeof openPage>;
beforeEach(() => {
  stage = openPage();
});
afterEach(() => stage.close());

const button = (name: string | RegExp) => page.getByRole("button", { name });
const phase = () => document.querySelector("[data-phase]")?.getAttribute("data-phase");

async function agree(): Promise<void> {
  await button("Contribute to Digits").click();
  await button("Agree and start").click();
}

test("nothing of the engine is loaded before consent, and the text says what will happen", async () => {
  await button("Contribute to Digits").click();
  const text = () => document.querySelector("[data-phase]")?.textContent?.replace(/\s+/g, " ");
  for (const words of [
    "2 parts of the public training data (100 kB)",
    "electricity",
    "sees your IP address",
    "makes a key",
    "CC0 1.0",
  ]) {
    await expect.poll(text).toContain(words);
  }
  expect(stage.calls).toEqual([]);
  expect(phase()).toBe("consent");
});

test("declining leads back, with nothing started", async () => {
  await button("Contribute to Digits").click();
  await button("Not now").click();
  await expect.element(button("Contribute to Digits")).toBeVisible();
  expect(stage.calls).toEqual([]);
});

test("agreeing starts the model with the chosen device and power", async () => {
  await button("Contribute to Digits").click();
  await page.getByRole("checkbox", { name: /Use the CPU/ }).click();
  await userEvent.type(page.getByRole("slider", { name: /Power/ }), "{ArrowLeft}{ArrowLeft}");
  await button("Agree and start").click();
  await expect
    .poll(() => stage.calls)
    .toEqual([["open"], ["start", { model: "digits", prefer: "cpu", power: 0.8 }]]);
});

test("a piece that was left is said to wait while its ticket lasts", async () => {
  await agree();
  stage.tell({ phase: "training" });
  await expect.poll(phase).toBe("training");
  const left = { model: "digits", step: 11, steps: 60 };
  const waits = page.getByText(/A piece waits as you left it, at step 11 of 60/);
  stage.tell({ phase: "ready", kept: { ...left, endsAtMs: Date.now() + 3_600_000 } });
  await expect.element(waits).toBeVisible();
  stage.tell({ phase: "ready", kept: { ...left, endsAtMs: Date.now() - 3_600_000 } });
  await expect.element(waits).not.toBeInTheDocument();
  await expect.poll(phase).toBe("ready");
});

test("the way to the first patch can be walked with the keyboard alone", async () => {
  await expect.element(button("Contribute to Digits")).toBeVisible();
  const focusUntil = async (name: string) => {
    for (let i = 0; i < 30 && document.activeElement?.textContent?.trim() !== name; i++) {
      await userEvent.keyboard("{Tab}");
    }
    expect(document.activeElement?.textContent?.trim()).toBe(name);
  };
  await focusUntil("Contribute to Digits");
  await userEvent.keyboard("{Enter}");
  await expect.poll(() => document.activeElement?.textContent).toBe("What happens when you agree");
  await focusUntil("Agree and start");
  await userEvent.keyboard("{Enter}");
  await expect.poll(() => stage.calls.length).toBe(2);
  stage.tell({ phase: "training", step: 5, steps: 50 });
  await focusUntil("Pause");
  await userEvent.keyboard("{Enter}");
  expect(stage.calls.at(-1)).toEqual(["pause"]);
});

test("a button that goes away leaves the keyboard at the panel's heading, and Pause stays where it is", async () => {
  const focused = () => document.activeElement;
  const press = async (name: string) => {
    (button(name).element() as HTMLElement).focus();
    await userEvent.keyboard("{Enter}");
  };
  await expect.element(button("Contribute to Digits")).toBeVisible();
  await press("Contribute to Digits");
  await expect.element(button("Not now")).toBeVisible();
  await press("Not now");
  await expect.poll(() => focused()?.id).toBe("volunteer-title");
  await press("Contribute to Digits");
  await expect.element(button("Agree and start")).toBeVisible();
  await press("Agree and start");
  await expect.poll(() => focused()?.textContent).toBe("Loading the training engine");
  stage.tell({ phase: "training", engine: "wasm" });
  expect(focused()?.textContent).toBe("Training");

  await press("Pause");
  stage.tell({ phase: "paused", engine: "wasm" });
  expect(focused()?.textContent?.trim()).toBe("Resume");
  await press("Stop");
  stage.tell({ phase: "ready" });
  expect(focused()?.id).toBe("volunteer-title");
  await press("Forget this device …");
  await press("Forget it all");
  expect(focused()?.id).toBe("volunteer-title");
});

test("each phase is named once, with its progress", async () => {
  await agree();
  stage.tell({ phase: "downloading", download: { doneBytes: 500_000, totalBytes: 1_000_000 } });
  await expect.element(page.getByRole("heading", { name: "Downloading" })).toBeVisible();
  await expect.element(page.getByRole("progressbar", { name: "500 kB of 1.0 MB" })).toBeVisible();
  stage.tell({ phase: "training", step: 10, steps: 50, shards: ["Digits 1–600"], engine: "wasm" });
  expect(phase()).toBe("training");
  await expect.element(page.getByRole("progressbar", { name: "Step 10 of 50" })).toBeVisible();
  stage.tell({ phase: "paused", reason: "You paused it.", step: 10, steps: 50 });
  await button("Resume").click();
  await expect.poll(() => stage.calls.at(-1)).toEqual(["resume"]);
});

test("a tab that waits for another one can be stopped, and offers nothing else", async () => {
  await agree();
  stage.tell({ phase: "other-tab", model: null });
  await button("Stop").click();
  await expect.poll(() => stage.calls.at(-1)).toEqual(["stop"]);
  expect(button("Pause").elements()).toHaveLength(0);
  expect(button("Finish this piece").elements()).toHaveLength(0);
});

test("a running piece says how many parameters it changes, and how they were chosen", async () => {
  await agree();
  stage.tell({ phase: "training", step: 1, steps: 50, base: 2, engine: "wasm" });
  const words = () => document.querySelector(".mask")?.textContent?.replace(/\s+/g, " ");
  await expect.poll(words).toContain("It changes 2% of the");
  expect(words()).toContain("chosen by what matters.");
  const meaning = page.getByText(/One of the model's numbers/);
  await expect.element(meaning).not.toBeVisible();
  await button("parameters").click();
  await expect.element(meaning).toBeVisible();
});

test("work on another model than the one that is shown is named", async () => {
  await agree();
  const named = page.getByText("This is work on presidents. Stop it to contribute to Digits.");
  stage.tell({ phase: "training", model: "digits", engine: "wasm" });
  expect(named.elements()).toHaveLength(0);
  stage.tell({ phase: "training", model: "presidents", engine: "wasm" });
  await expect.element(named).toBeVisible();
});

test("what became of a patch is told as the relay tells it", async () => {
  await agree();
  const id = "c0ffee".padEnd(64, "0");
  stage.tell({ phase: "uploading" });
  stage.tell({
    pieces: [
      {
        id,
        model: "digits",
        base: 2,
        createdAt: 10,
        sizeBytes: 3000,
        downloadedBytes: 900_000,
        lossBefore: 0.5,
        lossAfter: 0.4,
        times: { askMs: 1, downloadMs: 1, trainMs: 30_000, encodeMs: 1, uploadMs: 1 },
        sent: "sent",
        state: "received",
        refusal: null,
      },
    ],
  });
  expect(phase()).toBe("verifying");
  await expect.element(page.getByText("From version 2 of digits")).toBeVisible();
  const news = {
    id,
    model: "digits",
    contributor: "ab12".repeat(16),
    base: 2,
    reason: null,
    examples: 100,
    sizeBytes: 3000,
    receivedAt: 1,
    multiplier: 2048,
    credit: 50,
  };
  stage.say("contribution", {
    contribution: { ...news, state: "merged", updatedAt: 9, version: 3 },
  });
  stage.say("version", { model: "digits", version: summary(3) });
  await expect.element(page.getByRole("heading", { name: "Merged into version 3" })).toBeVisible();
  await expect.element(page.getByText(/Merged into version 3\. It is part/).first()).toBeVisible();
  await expect.poll(() => document.querySelector("[data-version]")?.textContent).toBe("89.0%");
});

test("forgetting this device says what is lost, asks once more, and asks for consent again", async () => {
  await agree();
  stage.tell({ phase: "training", engine: "wasm", model: "digits" });
  await button("Forget this device …").click();
  const question = page.getByRole("group", { name: "Forget everything on this device?" });
  const text = () => question.element().textContent;
  await expect.poll(text).toMatch(/the key that signs your patches.*the running piece/);
  await button("Keep it").click();
  expect(document.activeElement?.textContent?.trim()).toBe("Forget this device …");
  expect(stage.calls).not.toContainEqual(["forget"]);

  await button("Forget this device …").click();
  await button("Forget it all").click();
  await expect.poll(() => stage.calls).toContainEqual(["forget"]);
  stage.tell({ phase: "ready", model: null });
  await button("Contribute to Digits").click();
  await expect.element(button("Agree and start")).toBeVisible();
});

test("queued work is marked as queued, not as merged, and the mark is no colour alone", async () => {
  await agree();
  stage.tell({ pieces: [queuedPiece] });
  const here = page.getByRole("listitem").filter({ hasText: /^Queued, now$/ });
  await expect.element(here).toHaveAttribute("aria-current", "step");
  const ahead = page.getByRole("listitem").filter({ hasText: /^Merged, to come$/ });
  const styleOf = (element: Element) => getComputedStyle(element).borderTopStyle;
  expect(styleOf(here.element())).not.toBe(styleOf(ahead.element()));
});

test("a new piece is at 0% at once, without the last one's curve", async () => {
  await agree();
  const losses = [1, 2, 3].map((step) => ({ step, lossNats: 1 / step }));
  stage.tell({ phase: "training", step: 50, steps: 50, losses, engine: "wasm" });
  await expect.element(page.getByText(/Training loss, now 0.333/)).toBeVisible();
  stage.tell({ phase: "training", step: 0, steps: 50, losses: [], engine: "wasm" });
  await expect.element(page.getByText("Step 0 of 50")).toBeVisible();
  expect(page.getByText(/Training loss, now/).elements()).toHaveLength(0);
});

test("a model that a maintainer paused does not invite", async () => {
  await expect.element(button("Contribute to Digits")).toBeEnabled();
  stage.say("health", { ...modelHealth, paused: true, problem: "a maintainer paused this model" });
  await expect.element(page.getByRole("heading", { name: "This model rests" })).toBeVisible();
  await expect.element(button("Contribute to Digits")).toBeDisabled();
});

test("leaving with a piece under way is asked about, and leaving without one is not", async () => {
  const leave = () => {
    const event = new Event("beforeunload", { cancelable: true });
    window.dispatchEvent(event);
    return event.defaultPrevented;
  };
  await agree();
  expect(leave()).toBe(false);
  stage.tell({ phase: "paused", underway: true, step: 11, steps: 50 });
  expect(leave()).toBe(true);
  stage.tell({ phase: "ready", underway: false });
  expect(leave()).toBe(false);
});

test("passing the model on is a second choice beside the consent, off until somebody says yes", async () => {
  await button("Contribute to Digits").click();
  const yes = page.getByRole("checkbox", { name: /Pass the model on.*They then see your IP/ });
  await expect.element(yes).not.toBeChecked();
  await button("Agree and start").click();
  await expect.poll(() => stage.calls.map(([name]) => name)).toEqual(["open", "start"]);
});

test("who passes the model on sees with whom, what came from where, and what went", async () => {
  await agree();
  stage.tell({ phase: "training", engine: "wasm" });
  await page.getByRole("checkbox", { name: /Pass the model on/ }).click();
  const swarm: SwarmSnapshot = {
    state: "open",
    peers: [{ name: "3f2a1b", receivedBytes: 12_000_000, sentBytes: 2_000_000 }],
    fromPeersBytes: 12_000_000,
    fromRelayBytes: 3_000_000,
    toPeersBytes: 2_000_000,
    tried: 1,
    connected: 1,
    wrongChunks: 0,
  };
  stage.tell({ phase: "training", engine: "wasm", swarm });
  await expect.element(page.getByText("Connected with 1 volunteer.")).toBeVisible();
  const text = () => document.querySelector("[data-from-peers]")?.textContent?.replace(/\s+/g, " ");
  for (const words of ["From volunteers 12 MB", "from the relay 3.0 MB", "Passed on 2.0 MB"]) {
    expect(text()).toContain(words);
  }
  expect(text()).toMatch(/3f2a1b 12 MB to you, 2.0 MB from you/);
  expect(text()).not.toContain("Thrown away");
  stage.tell({ phase: "training", engine: "wasm", swarm: { ...swarm, wrongChunks: 2 } });
  expect(text()).toContain("Thrown away because they were wrong: 2.");
});
