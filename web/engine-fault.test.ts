import { expect, test } from "vitest";
import { describeLoadFault } from "./engine-fault.ts";

const URL_OF_ENGINE = "https://relay.test/engine/main-12345678.js";
const describe = (fetch: () => Promise<Response>) =>
  describeLoadFault(URL_OF_ENGINE, { fetch, caches: undefined });
const answer = (status: number, type: string) => async () =>
  new Response("", { status, headers: { "content-type": type } });

test("an engine that does not load has a reason and a way out", async () => {
  expect(await describe(() => Promise.reject(new TypeError("offline")))).toMatch(/offline/);
  expect(await describe(answer(200, "text/html"))).toMatch(/Sign in/);
  expect(await describe(answer(404, "application/json"))).toMatch(/Reload the page/);
  expect(await describe(answer(503, "application/json"))).toMatch(/503.*in a while/);
  expect(await describe(answer(200, "text/javascript"))).toMatch(/block web workers/);
});

test("what was kept of the engine is dropped, so that the next start fetches it", async () => {
  const dropped: string[] = [];
  const caches = {
    keys: async () => ["engine /assets/index-a.js", "shell /assets/index-a.js"],
    delete: async (name: string) => dropped.push(name) > 0,
  } as unknown as CacheStorage;
  await describeLoadFault(URL_OF_ENGINE, { fetch: answer(200, "text/html"), caches });
  expect(dropped).toEqual(["engine /assets/index-a.js"]);
});
