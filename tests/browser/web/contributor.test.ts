/** A contributor's page, and what this browser's own says more. */
import { mount, unmount } from "svelte";
import { afterEach, expect, test } from "vitest";
import { page } from "vitest/browser";
import type { ContributorCard } from "../../../core/protocol/schemas/contributor.ts";
import KeyKeeping from "../../../web/parts/KeyKeeping.svelte";
import KeyRestore from "../../../web/parts/KeyRestore.svelte";
import type { IdentityApi } from "../../../worker/api.ts";
import { cloth2, contributor } from "./relay-data.ts";
import { KEY_WORDS, openPage } from "./stage.ts";

let stage: ReturnType<typeof openPage>;
afterEach(() => stage.close());

const DAY_MS = 24 * 3600_000;
const card: ContributorCard = {
  contributor,
  name: "Ada",
  blanked: null,
  model: "digits",
  credit: 1200,
  merged: 4,
  judgedExamples: 0,
  rank: 2,
  of: 3,
  above: { contributor: "cd".repeat(32), name: null, credit: 1300 },
  firstMergedAt: 1,
  lastMergedAt: 1,
  versions: [{ number: 2, merged: 4, credit: 1200 }],
  days: [
    { day: 0, merged: 1, credit: 200 },
    { day: DAY_MS, merged: 3, credit: 1000 },
  ],
};
const text = () => document.querySelector("main")?.textContent?.replace(/\s+/g, " ") ?? "";

function know(change: Partial<ContributorCard> = {}): void {
  stage.answer(`/contributors/${contributor}?model=digits`, { ...card, ...change });
  stage.answer(`/contributors/${contributor}/cloth?model=digits`, cloth2);
}

test("the leaderboard names contributors, and leads to the page of each", async () => {
  stage = openPage();
  know();
  stage.answer("/leaderboard?model=digits&window=all", {
    model: "digits",
    window: "all",
    entries: [{ rank: 1, contributor, name: "Ada", credit: 1200, merged: 4, lastMergedAt: 1 }],
  });
  await page.getByRole("link", { name: "Leaderboard" }).first().click();
  await page.getByRole("link", { name: "Ada" }).click();
  await expect.element(page.getByRole("heading", { name: "Ada" })).toBeVisible();
  for (const words of [
    "Place 2 of 3, by credit",
    "100 more and it is cdcdcdcd's place.",
    "Credit, day by day, added up.",
  ]) {
    expect(text()).toContain(words);
  }
  const picture = /This contributor's newest patches changed about 10\.0% of it/;
  await expect.element(page.getByRole("img", { name: picture })).toBeVisible();
  await expect.element(page.getByRole("link", { name: "Version 2" })).toBeVisible();
  expect(text()).not.toContain("Your name");
});

test("a browser without a key is told how it gets one", async () => {
  stage = openPage();
  await page.getByRole("link", { name: "You", exact: true }).click();
  await expect.element(page.getByRole("heading", { name: "You" })).toBeVisible();
  expect(text()).toContain("This browser has no key yet.");
});

test("one's own page has the name to choose, change and take back, and says what is no name", async () => {
  stage = openPage();
  know({ name: null });
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  await page.getByRole("button", { name: "Agree and start" }).click();
  stage.tell({ phase: "training" });
  await page.getByRole("link", { name: "You", exact: true }).click();
  const field = page.getByRole("textbox", { name: "Your name, for everyone to read" });
  await field.fill("p\u0430ypal");
  await expect.element(page.getByText(/letters are of one script/)).toBeVisible();
  const choose = page.getByRole("button", { name: "Choose this name" });
  await expect.element(choose).toBeDisabled();
  await field.fill("  Ada ");
  know({ name: "Ada" });
  await choose.click();
  await expect.element(page.getByText("You are Ada now.")).toBeVisible();
  await expect.element(page.getByRole("heading", { name: "Ada" })).toBeVisible();
  know({ name: null });
  await page.getByRole("button", { name: "Take it back" }).click();
  await expect.element(page.getByText("Your name is gone from every page.")).toBeVisible();
  expect(stage.calls.filter(([call]) => call === "set name")).toEqual([
    ["set name", "Ada"],
    ["set name", null],
  ]);
});

test("a blanked name says why, and its holder is not offered another", async () => {
  stage = openPage();
  know({ name: null, blanked: "an insult" });
  location.hash = `#/contributor/${contributor}/digits`;
  await expect
    .element(page.getByText(/took this contributor's name away: “an insult”/))
    .toBeVisible();
});

test("one's own key is shown as 24 words once they are asked for, as a file and as a code, and hidden again", async () => {
  stage = openPage();
  know();
  await page.getByRole("button", { name: "Contribute to Digits" }).click();
  await page.getByRole("button", { name: "Agree and start" }).click();
  stage.tell({ phase: "training" });
  await page.getByRole("link", { name: "You", exact: true }).click();
  const show = page.getByRole("button", { name: "Show my 24 words" });
  await expect.element(show).toBeVisible();
  expect(text()).not.toContain("abandon");
  await show.click();
  await expect.element(page.getByRole("listitem").filter({ hasText: "art" })).toBeVisible();
  await expect.element(page.getByRole("img", { name: /another device's camera/ })).toBeVisible();
  const file = page.getByRole("link", { name: "Download them as a file" });
  const href = (file.element() as HTMLAnchorElement).href;
  expect(await (await fetch(href)).text()).toContain(
    `# It belongs to ${contributor}\n${KEY_WORDS}\n`,
  );
  await page.getByRole("button", { name: "Hide them" }).click();
  await expect.element(show).toBeVisible();
  expect(text()).not.toContain("abandon");
});

test("a key that its browser does not let out is said to have no words, and none are shown", async () => {
  stage = openPage({ ownKey: contributor, ownWords: null });
  know();
  await page.getByRole("link", { name: "You", exact: true }).click();
  const show = page.getByRole("button", { name: "Show my 24 words" });
  await show.click();
  await expect
    .element(page.getByText(/cannot leave this browser\. It has no words\.$/))
    .toBeVisible();
  await expect.element(show).toBeEnabled();
  expect(text()).not.toContain("Download them as a file");
});

test("a key that was brought here is found before anything has been agreed to, and named as what another would replace", async () => {
  stage = openPage({ ownKey: contributor });
  know();
  await page.getByRole("link", { name: "You", exact: true }).click();
  await expect.element(page.getByRole("heading", { name: "Ada" })).toBeVisible();
  expect(text()).not.toContain("This browser has no key yet.");
  expect(stage.calls).not.toContainEqual(["open"]);
  await page.getByRole("textbox", { name: "The 24 words of your key" }).fill(KEY_WORDS);
  await page.getByRole("button", { name: "Look whose key that is" }).click();
  await expect.poll(text).toContain("It takes the place of this browser's key ab12ab12");
});

test.each([
  ["says nothing of its contributor", false, "ab12ab12"],
  ["names no model", true, "No news of the models"],
])("a key is kept and brought also while the relay %s", async (_, isDead, heading) => {
  stage = openPage({ ownKey: contributor });
  if (isDead) stage.die(); // before it has answered anything
  await page.getByRole("link", { name: "You", exact: true }).click();
  await expect.element(page.getByRole("heading", { name: heading })).toBeVisible();
  await page.getByRole("button", { name: "Show my 24 words" }).click();
  await expect.element(page.getByRole("listitem").filter({ hasText: "art" })).toBeVisible();
  await page.getByRole("textbox", { name: "The 24 words of your key" }).fill(KEY_WORDS);
  await page.getByRole("button", { name: "Look whose key that is" }).click();
  await expect.poll(text).toContain("It is the key cdcdcdcd , of which the relay could not be");
});

test("words that arrive after their asker has left are kept by nobody", async () => {
  const words = Promise.withResolvers<string>();
  const urls: unknown[] = [];
  const createObjectURL = URL.createObjectURL;
  URL.createObjectURL = (made) => {
    urls.push(made);
    return createObjectURL.call(URL, made);
  };
  try {
    const target = document.body.appendChild(document.createElement("div"));
    const identity = { words: () => words.promise } as Partial<IdentityApi> as IdentityApi; // of which the part uses this one
    const part = mount(KeyKeeping, {
      target,
      props: {
        contributor,
        withIdentity: (work: (api: IdentityApi) => Promise<unknown>) => work(identity),
        storage: undefined,
      },
    });
    const show = page.getByRole("button", { name: "Show my 24 words" });
    await show.click();
    await expect.element(show).toBeDisabled();
    await unmount(part);
    target.remove();
    stage = { close: async () => {} } as typeof stage;
    words.resolve(KEY_WORDS);
    await words.promise;
    await Promise.resolve(); // the part has heard of it, too
    expect(urls).toEqual([]);
  } finally {
    URL.createObjectURL = createObjectURL;
  }
});

/** Mount what brings a key here; `own` is this browser's. Returns what the words were taken for. */
function openRestore(
  own: string | null,
  contributorOf: () => Promise<string>,
  merged = card.merged,
) {
  const target = document.body.appendChild(document.createElement("div"));
  const taken: unknown[] = [];
  const identity = {
    contributor: async () => own,
    setName: async () => {},
    words: async () => null,
    contributorOf,
    restore: async (words: string, replaced: string | null) => void taken.push([words, replaced]),
  };
  const part = mount(KeyRestore, {
    target,
    props: {
      own,
      withIdentity: (work: (api: IdentityApi) => Promise<unknown>) => work(identity),
      lookUp: async () => ({ ...card, merged }),
      onrestored: () => taken.push("restored"),
    },
  });
  const close = async () => {
    await unmount(part);
    target.remove();
  };
  stage = { close } as typeof stage;
  return taken;
}

test("a key from another device is shown before it takes this one's place, and what that costs", async () => {
  const own = "ef".repeat(32);
  const taken = openRestore(own, async () => contributor);
  await page.getByRole("textbox", { name: "The 24 words of your key" }).fill(KEY_WORDS);
  await page.getByRole("button", { name: "Look whose key that is" }).click();
  const words = () => document.body.textContent?.replace(/\s+/g, " ");
  await expect.poll(words).toContain("It is the key ab12ab12 of Ada, with 4 merged patches.");
  expect(words()).toContain("It takes the place of this browser's key efefefef, which is lost");
  expect(taken).toEqual([]);
  await page.getByRole("button", { name: "Take this key" }).click();
  await expect.poll(() => taken).toEqual([[KEY_WORDS, own], "restored"]);
});

test("the key that was looked at is taken, whatever the field says by then", async () => {
  const looked = Promise.withResolvers<string>();
  const taken = openRestore(null, () => looked.promise, 1);
  const field = page.getByRole("textbox", { name: "The 24 words of your key" });
  await field.fill(KEY_WORDS);
  await page.getByRole("button", { name: "Look whose key that is" }).click();
  await expect.element(field).toHaveAttribute("readonly");
  const input = field.element() as HTMLTextAreaElement;
  input.value = "another key's words"; // as a script does it, or a browser that fills fields in
  input.dispatchEvent(new Event("input", { bubbles: true }));
  looked.resolve(contributor);
  await expect.element(page.getByText(/with 1 merged patch\./)).toBeVisible();
  await page.getByRole("button", { name: "Take this key" }).click();
  await expect.poll(() => taken).toEqual([[KEY_WORDS, null], "restored"]);
});

test("a key is brought by its file; words that are none say why, and nothing is offered", async () => {
  openRestore(null, () => Promise.reject(new Error("These words are no key.")));
  const kept = new File([KEY_WORDS], "commonweight-key.txt", { type: "text/plain" });
  await page.getByLabelText("or the file with them").upload(kept);
  const field = page.getByRole("textbox", { name: "The 24 words of your key" });
  await expect.element(field).toHaveValue(KEY_WORDS);
  await page.getByRole("button", { name: "Look whose key that is" }).click();
  await expect.element(page.getByText("These words are no key.")).toBeVisible();
  expect(page.getByRole("button", { name: "Take this key" }).query()).toBeNull();
});
