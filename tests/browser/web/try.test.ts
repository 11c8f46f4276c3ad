/** Trying a model's versions on the page, over an engine that the test speaks for. */
import { afterEach, expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { summary } from "./relay-data.ts";
import { openPage } from "./stage.ts";

let stage: ReturnType<typeof openPage>;
afterEach(() => stage.close());

const button = (name: string) => page.getByRole("button", { name, exact: true });
const best = (version: number) =>
  document.querySelector(`[data-try-version="${version}"] [data-best]`)?.textContent;

async function openTry(options: Parameters<typeof openPage>[0] = {}): Promise<void> {
  stage = openPage(options);
  await page.getByRole("link", { name: "Try it" }).first().click();
  await expect.element(page.getByRole("heading", { name: "Try Digits" })).toBeVisible();
}

/** Press at the first place and draw through the others; places are shares of the pad. */
function draw(...places: [x: number, y: number][]): void {
  const pad = document.querySelector("canvas")!;
  const { left, top, width, height } = pad.getBoundingClientRect();
  pad.setPointerCapture = () => {}; // a made-up pointer can't be captured
  const tell = (type: string, [x, y]: [number, number]) =>
    pad.dispatchEvent(
      new PointerEvent(type, {
        pointerId: 1,
        bubbles: true,
        clientX: left + x * width,
        clientY: top + y * height,
      }),
    );
  tell("pointerdown", places[0]!);
  for (const place of places.slice(1)) tell("pointermove", place);
  tell("pointerup", places.at(-1)!);
}

test("nothing is fetched before something is drawn; then the newest version answers beside version 0", async () => {
  await openTry();
  expect(stage.calls).toEqual([]);
  draw([0.5, 0.2], [0.5, 0.5], [0.5, 0.8]);
  await expect.poll(() => best(2)).toBe("7");
  expect(best(0)).toBe("7");
  const versions = [2, 0].map((number) => ({ number, id: summary(number).id }));
  expect(stage.calls[0]).toEqual(["open trial"]);
  expect(stage.calls[1]!.slice(0, 2)).toEqual(["load", { model: "digits", versions }]);
  expect(stage.calls[2]).toEqual(["predict", 784]);
  await expect.element(page.getByRole("row", { name: "7 90% 40%" })).toBeVisible();
});

test("Clear empties the pad and the answers", async () => {
  await openTry();
  draw([0.5, 0.2], [0.5, 0.8]);
  await expect.poll(() => best(2)).toBe("7");
  await button("Clear").click();
  await expect.poll(() => best(2)).toBe(undefined);
  await expect.element(button("Clear")).toBeDisabled();
});

test("without a pointer, a digit is drawn by a button, and the answer is announced", async () => {
  await openTry();
  await expect.element(button("Draw a 7")).toBeVisible();
  (button("Draw a 7").element() as HTMLElement).focus();
  await userEvent.keyboard("{Enter}");
  const said = () => document.querySelector("#main [aria-live]")?.textContent;
  await expect.poll(said).toBe("Version 2 reads 7, 90%. Version 0 reads 7, 40%.");
});

test("another version is another address, and answers for the drawing that is there", async () => {
  await openTry();
  await button("Draw a 7").click();
  await expect.poll(() => best(2)).toBe("7");
  await page.getByRole("combobox", { name: "Version", exact: true }).selectOptions("1");
  await expect.poll(() => location.hash).toBe("#/try/digits/1");
  await expect.poll(() => best(1)).toBe("7");
  expect(stage.calls.filter(([name]) => name === "open trial")).toHaveLength(1);
  await page.getByRole("link", { name: "About" }).first().click();
  await expect.poll(() => stage.calls.at(-1)).toEqual(["close trial"]); // its memory is free again
});

test("a text model continues what the visitor began, letter by letter", async () => {
  const sizes = { vocabulary: 256, context: 8, layers: 1, channels: 4, heads: 1 };
  await openTry({ architecture: { kind: "gpt", ...sizes } });
  await page.getByRole("textbox", { name: "How the text begins" }).fill("Call me");
  await button("Generate").click();
  const text = () => document.querySelector('[data-try-version="2"] .text')?.textContent?.trim();
  await expect.poll(text).toBe("Call me é!");
  expect(stage.calls.at(-1)).toEqual(["write", "Call me"]);
  await expect.element(button("Generate")).toBeVisible();
});

const CLOTHES = "Bag Boot Coat Dress Jacket Sandal Scarf Shirt Skirt Sock".split(" ");

test("another model of 784 numbers asks for its owner's pictures and answers with the owner's words", async () => {
  const inputs = { kind: "image", width: 28, height: 28, channels: 1 } as const;
  await openTry({ data: { inputs, classes: CLOTHES } });
  expect(document.body.textContent).not.toMatch(/Draw a digit/);
  const canvas = new OffscreenCanvas(60, 40);
  canvas.getContext("2d")!.fillRect(5, 5, 30, 30);
  const picture = new File([await canvas.convertToBlob()], "shirt.png", { type: "image/png" });
  await userEvent.upload(document.querySelector<HTMLInputElement>("input[type=file]")!, picture);
  await expect.element(page.getByRole("row", { name: "Shirt 90% 40%" })).toBeVisible();
  expect(stage.calls.at(-1)).toEqual(["predict", 784]);
  const broken = new File(["no picture"], "x.png", { type: "image/png" });
  await userEvent.upload(document.querySelector<HTMLInputElement>("input[type=file]")!, broken);
  await expect
    .element(page.getByRole("alert"))
    .toHaveTextContent("x.png is no picture that this browser can open.");
});

test("a table's model asks for a row, and a text's for a text", async () => {
  await openTry({
    architecture: { kind: "mlp", inputs: 3, hidden: [4], outputs: 10 },
    data: {
      classes: CLOTHES,
      inputs: {
        kind: "table",
        columns: [
          { kind: "number", name: "Height", least: 0, most: 10 },
          { kind: "choice", name: "Colour", choices: ["red", "blue"] },
        ],
      },
    },
  });
  await button("Ask the model").click();
  await expect.element(page.getByRole("alert")).toHaveTextContent("Every field needs a number.");
  await page.getByLabelText("Height").fill("5");
  await page.getByLabelText("Colour").selectOptions("blue");
  await button("Ask the model").click();
  await expect.element(page.getByRole("row", { name: "Shirt 90% 40%" })).toBeVisible();
  expect(stage.calls.at(-1)).toEqual(["predict", 3]);
  stage.close();
  await openTry({
    architecture: { kind: "mlp", inputs: 64, hidden: [4], outputs: 10 },
    data: { inputs: { kind: "words", buckets: 64 }, classes: CLOTHES },
  });
  await page.getByRole("textbox").fill("Warm, with sleeves");
  await expect.element(page.getByRole("row", { name: "Shirt 90% 40%" })).toBeVisible();
  expect(stage.calls.at(-1)).toEqual(["predict", 64]);
});

test("any two versions stand side by side, and digits that they read differently are shown", async () => {
  await openTry();
  await page.getByRole("combobox", { name: "Compared with version" }).selectOptions("1");
  await button("Draw a 7").click();
  await expect.poll(() => best(1)).toBe("7");
  expect(best(0)).toBe(undefined);
  await button("Show them").click();
  const right = page.getByRole("region", { name: "Version 2 is right" });
  await expect.element(right.getByRole("img", { name: "A handwritten 4" })).toBeVisible();
  await expect.element(right.getByText("v1: 9")).toBeVisible();
});

test("an answer that is hardly likelier than the others is called a guess", async () => {
  await openTry();
  await button("Draw a 7").click(); // version 0 gives it 40%
  await expect.element(page.getByText(/40%\s+sure\. A guess: it may be no digit/)).toBeVisible();
  expect(page.getByText(/90%\s+sure\. A guess/).elements()).toHaveLength(0);
});
