import { expect, test } from "vitest";
import { answerFile, type FileSources } from "./files.ts";

const request = new Request("https://relay.test/engine/main-12345678.js");

const script = (text: string) =>
  new Response(text, { headers: { "content-type": "text/javascript; charset=utf-8" } });
const signIn = () => new Response("Sign in", { headers: { "content-type": "text/html" } });

/** Answers over what a test gives, and what was done afterwards. */
function stage(given: Partial<FileSources>) {
  const work: Promise<void>[] = [];
  const done: string[] = [];
  const sources: FileSources = {
    kept: async () => undefined,
    fetch: async () => script("engine"),
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
  const { answer } = stage({ fetch, kept: async () => script("kept") });
  expect(await (await answer()).text()).toBe("kept");
});

test("a lazy view's styles are kept as its script is", async () => {
  const styles = () => new Response("p {}", { headers: { "content-type": "text/css" } });
  const { answer, done, work } = stage({ fetch: async () => styles() });
  await answer();
  await Promise.all(work);
  expect(done).toEqual(["kept p {}"]);
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

test("what a network that asks for a sign-in answers is not kept as the engine", async () => {
  const { answer, done, work } = stage({ fetch: async () => signIn() });
  expect(await (await answer()).text()).toBe("Sign in");
  const redirected = script("elsewhere");
  Object.defineProperty(redirected, "redirected", { value: true });
  const other = stage({ fetch: async () => redirected });
  await other.answer();
  await Promise.all([...work, ...other.work]);
  expect([...done, ...other.done]).toEqual([]);
});

test("what was kept and is no code is fetched again", async () => {
  const { answer, done, work } = stage({ kept: async () => signIn() });
  expect(await (await answer()).text()).toBe("engine");
  await Promise.all(work);
  expect(done).toEqual(["kept engine"]);
});
