/** The model as a picture: grey at rest, coloured where a version changed it, glowing where a piece may. */
import { afterEach, expect, test } from "vitest";
import { page } from "vitest/browser";
import { cloth2, summary } from "./relay-data.ts";
import { openPage } from "./stage.ts";

let stage: ReturnType<typeof openPage>;
afterEach(() => stage.close());

const COLUMNS = 64;
const picture = () => page.getByRole("img", { name: /cloth of dots/ }).first();

/** What the middle of a dot shows: a dot at rest is grey. */
function colourAt(dot: number): {
  readonly isColoured: boolean;
  readonly hue: "red" | "green" | "blue";
} {
  const canvas = document.querySelector<HTMLCanvasElement>("figure canvas");
  const spacing = (canvas?.width ?? 0) / COLUMNS;
  const x = ((dot % COLUMNS) + 0.5) * spacing;
  const y = (Math.floor(dot / COLUMNS) + 0.5) * spacing;
  const [red = 0, green = 0, blue = 0] =
    canvas?.getContext("2d")?.getImageData(x, y, 1, 1).data ?? [];
  const most = Math.max(red, green, blue);
  const hue = most === red ? "red" : most === green ? "green" : "blue";
  return { isColoured: most - Math.min(red, green, blue) > 40, hue };
}
const words = () => picture().element().getAttribute("aria-label");

test("the first screen shows in a contributor's colour what the newest version changed, and says so", async () => {
  stage = openPage();
  await expect.element(picture()).toBeVisible();
  await expect.poll(words).toContain("Version 2 changed about 10.0% of it, by 1 contributor.");
  await expect
    .poll(() => [0, 114, 115, 1151].map((dot) => colourAt(dot).isColoured))
    .toEqual([true, true, false, false]);
});

test("the running piece's mask glows, and is told in words", async () => {
  stage = openPage();
  await expect.element(picture()).toBeVisible();
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  await page.getByRole("button", { name: "Agree and start" }).click();
  await expect.poll(() => stage.calls.some(([name]) => name === "open")).toBe(true);
  const touches = "0".repeat(1151).concat("f");
  stage.tell({ phase: "training", base: 2, step: 1, steps: 50, touches });
  await expect.poll(words).toContain("Your piece may change about 0.1%.");
  await expect.poll(words).toContain("one of them you");
  await expect
    .poll(() => [1150, 1151].map((dot) => colourAt(dot).isColoured))
    .toEqual([false, true]);
});

test("the picture of the last version stays until that of the next is read", async () => {
  stage = openPage();
  await expect.poll(words).toContain("10.0%");
  const another = "00000a".padEnd(64, "0"); // hue 10: a red one
  stage.answer("/models/digits/versions/3/cloth", {
    ...cloth2,
    touched: "f".repeat(1152),
    most: "00".repeat(1152),
    contributors: [another],
  });
  stage.say("version", { model: "digits", version: summary(3) });
  await expect.poll(words).toContain("100.0%");
  await expect.poll(() => [0, 1151].map((dot) => colourAt(dot).hue)).toEqual(["red", "red"]);
});

test("a version's details have its own picture", async () => {
  stage = openPage();
  location.hash = "#/history/digits/2";
  await expect.poll(words).toContain("Version 2 changed about 10.0%");
});
