import { expect, test } from "vitest";
import { answerNavigation, fetchShell } from "./shell.ts";

const BUILD = "/assets/index-abcd1234.js";
const html = (text: string) =>
  new Response(text, { headers: { "content-type": "text/html; charset=utf-8" } });
const ours = () => html(`<script type="module" src="${BUILD}"></script>`);
const signIn = () => html("<h1>Welcome to the station's network</h1>");
const never = () => new Promise<never>(() => {});

function redirected(answer: Response): Response {
  Object.defineProperty(answer, "redirected", { value: true });
  return answer;
}

test("the shell is kept without the redirect that a proxy made of it", async () => {
  const [[, page]] = (await fetchShell(
    ["https://relay.test/index.html"],
    async () => redirected(ours()),
    BUILD,
  )) as [readonly [string, Response]];
  expect(page.redirected).toBe(false);
  expect(page.headers.get("content-type")).toMatch(/^text\/html/);
  expect(await page.text()).toContain(BUILD);
});

test.each([
  ["index.html", signIn],
  ["assets/index-abcd1234.js", signIn],
  ["icons/mark.svg", () => new Response("", { status: 503 })],
])("a sign-in page or an error in place of %s is not kept as the shell", async (name, answer) => {
  const kept = fetchShell([`https://relay.test/${name}`], async () => answer(), BUILD);
  await expect(kept).rejects.toThrow(/is not there as it was built/);
});

const request = new Request("https://relay.test/");
const navigate = (fetch: () => Promise<Response>, waitMs = 60_000) =>
  answerNavigation(request, { kept: async () => html("kept"), fetch, waitMs });

test.each([
  ["the page, of whatever build", async () => ours()],
  ["nothing, offline", () => Promise.reject(new TypeError("offline"))],
  ["an error of the server's", async () => new Response("", { status: 502 })],
])(
  "a navigation that the network answers with %s shows the page that is kept",
  async (_, fetch) => {
    expect(await (await navigate(fetch)).text()).toBe("kept");
  },
);

test("a navigation that the network does not answer in time shows the page that is kept", async () => {
  expect(await (await navigate(never, 1)).text()).toBe("kept");
});

test("a network that asks for a sign-in can show it", async () => {
  expect(await (await navigate(async () => signIn())).text()).toContain("Welcome");
  expect((await navigate(async () => new Response("", { status: 401 }))).status).toBe(401);
});

test("before anything is kept the network answers", async () => {
  const answer = await answerNavigation(request, {
    kept: async () => undefined,
    fetch: async () => ours(),
    waitMs: 0,
  });
  expect(await answer.text()).toContain(BUILD);
});
