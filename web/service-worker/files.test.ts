import { expect, test } from "vitest";
import { answerFile, type FileSources } from "./files.ts";

const request = new Request("https://relay.test/engine/main-12345678.js");

/** Answers over what a test gives, and what was done afterwards. */
function stage(given: Partial<FileSources>) {
  const work: Promise<void>[] = [];
  const done: string[] = [];
  const sources: FileSources = {
    kept: async () => undefined,
    fetch: async () => new Response("engine"),
    keep: async (_, answer) => {
      done.push(`kept ${await answer.text()}`);
    },
    onGone: async () => {
      done.push("gone");
    },
    later: (promise) => work.push(promise),
    ...given,
  };
  return { done, work, answer: () => answerFile(request, sources) };
}

test("a file that is kept is not fetched", async () => {
  const fetch = () => Promise.reject(new TypeError("offline"));
  const { answer } = stage({ fetch, kept: async () => new Response("kept") });
  expect(await (await answer()).text()).toBe("kept");
});

test("a fetched file is kept, and is there however long that takes", async () => {
  const { answer, done, work } = stage({});
  expect(await (await answer()).text()).toBe("engine");
  await Promise.all(work);
  expect(done).toEqual(["kept engine"]);
  const stuck = stage({ keep: () => new Promise(() => {}) });
  expect(await (await stuck.answer()).text()).toBe("engine");
});

test("on a full disk a fetched file is used and not kept", async () => {
  const { answer, work } = stage({
    keep: () => Promise.reject(new DOMException("no room", "QuotaExceededError")),
  });
  expect(await (await answer()).text()).toBe("engine");
  await Promise.all(work);
});

test("a file that a deploy took away is told, and not kept", async () => {
  const { answer, done, work } = stage({ fetch: async () => new Response("", { status: 404 }) });
  expect((await answer()).status).toBe(404);
  await Promise.all(work);
  expect(done).toEqual(["gone"]);
});
