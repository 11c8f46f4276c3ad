/** Volunteers in real Chromium pages pass a model of 20 MB to one another; the relay answers for chunks slowly. */
import type { Browser } from "playwright";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPageIfStale } from "../../cli/page-build.ts";
import { startTestRelay, type TestRelay } from "../fixtures/test-relay.ts";
import { tinyModel } from "../fixtures/tiny-model.ts";
import { type Between, openBetween } from "./between.ts";
import { chunksSlowly, openSharingPage, roadsOf, type SharingPageOptions } from "./sharing-page.ts";
import { launchBrowser } from "./stage.ts";

const HIDDEN = 240_000; // 5.04 million parameters: 20.2 MB, 20 chunks
const MODEL_BYTES = 4 * (HIDDEN * (16 + 1 + 4) + 4);
const CHUNK_BYTES = 1 << 20;

let relay: TestRelay;
let between: Between;
let browser: Browser;
beforeAll(async () => {
  await buildPageIfStale();
  const source = tinyModel({
    architecture: { kind: "mlp", inputs: 16, hidden: [HIDDEN], outputs: 4 },
    mask: { kind: "random", density: 0.001, epochVersions: 2 },
    training: { steps: 100_000, batch: 16, learningRate: 0.02 }, // nobody comes to the end
  });
  relay = await startTestRelay({ source, seed: "swarm" });
  between = await openBetween(`http://127.0.0.1:${relay.relay.port}`);
  browser = await launchBrowser({ webgpu: false });
});
afterAll(async () => {
  await browser.close();
  await between.close();
  await relay.remove();
});

const volunteer = (options: SharingPageOptions = {}) =>
  openSharingPage(browser, between.url, options);

/** It sends chunks with a wrong byte. */
function lying(): void {
  const { send } = RTCDataChannel.prototype;
  RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: unknown) {
    if (data instanceof Uint8Array) data[0] = (data[0] ?? 0) ^ 1;
    send.call(this, data as never);
  };
}

/** Its page goes away in the middle of the first chunk that it sends. */
function vanishing(): void {
  const { send } = RTCDataChannel.prototype;
  let sent = 0;
  RTCDataChannel.prototype.send = function (this: RTCDataChannel, data: unknown) {
    if (!(data instanceof Uint8Array) || ++sent <= 10) send.call(this, data as never);
    else if (sent === 11) Reflect.get(globalThis, "vanish")();
  };
}

/** It notes which servers its connections ask for addresses; one that PeerJS makes to see what the browser can do asks none. */
function noting(): void {
  const noted: unknown[] = [];
  Reflect.set(globalThis, "iceServers", noted);
  const { setLocalDescription } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.setLocalDescription = function (this: RTCPeerConnection, value?) {
    noted.push(this.getConfiguration().iceServers);
    return Reflect.apply(setLocalDescription, this, [value]);
  } as typeof setLocalDescription; // its other form, with callbacks, is called by nobody
}

test("X6: the third of three pages gets at least four fifths of a model from the other two", async () => {
  const first = await volunteer();
  between.delayMs = chunksSlowly;
  const second = await volunteer();
  const third = await volunteer({ script: noting });
  const { peers, relay: fromRelay } = await roadsOf(third);
  expect(peers).toBeGreaterThanOrEqual(0.8 * MODEL_BYTES);
  expect(peers + fromRelay).toBeGreaterThanOrEqual(MODEL_BYTES);
  await third.getByText("Connected with 2 volunteers.").waitFor();
  const iceServers = await third.evaluate(() => Reflect.get(globalThis, "iceServers"));
  expect(iceServers).toEqual([[], []]); // the relay's own, of which there are none, and never PeerJS's
  await Promise.all([first, second].map((page) => page.close())); // the third is the only honest one from now on
});

test("X5, X6: a liar changes nothing, and a page that vanishes in mid-chunk costs that chunk alone", async () => {
  between.delayMs = () => 0; // so that the third gives these nothing, who then give more than they are worth
  const liar = await volunteer({ saysYes: "at the end", script: lying });
  const vanished = await volunteer({ saysYes: "at the end", script: vanishing });
  between.delayMs = chunksSlowly;
  const isGone = vanished.waitForEvent("close", { timeout: 120_000 });
  const newcomer = await volunteer(); // its model is the ticket's, or it would not train
  await isGone;
  expect(await newcomer.getByText(/Thrown away because they were wrong: \d/).count()).toBe(1);
  const { peers } = await roadsOf(newcomer);
  expect(peers).toBeGreaterThanOrEqual(MODEL_BYTES - 4 * CHUNK_BYTES);
  await liar.close();
});

test("X8: where a browser lets no page connect to another, the relay sends everything, and the page says so", async () => {
  between.delayMs = () => 0;
  const page = await volunteer({
    script: () => void Reflect.deleteProperty(globalThis, "RTCPeerConnection"),
  });
  await page.getByText("This browser lets no page connect to another.").waitFor();
  const { peers, relay: fromRelay } = await roadsOf(page);
  expect(peers).toBe(0);
  expect(fromRelay).toBeGreaterThanOrEqual(MODEL_BYTES);
});
