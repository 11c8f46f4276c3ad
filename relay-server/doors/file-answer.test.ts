import { Hono } from "hono";
import { expect, test } from "vitest";
import { answerRepresentation, prefersGzip } from "./file-answer.ts";
import { answerError } from "./refusal.ts";

const BYTES = Uint8Array.from({ length: 100 }, (_, i) => i);
let read = 0;
const app = new Hono();
app.onError(answerError);
app.get("/", (c) => {
  const of = (etag: string, sizeBytes: number) => ({
    etag,
    sizeBytes,
    read: async (start: number, end: number) => {
      read += 1;
      return new Blob([BYTES.subarray(start, end)]).stream();
    },
  });
  return answerRepresentation(
    c,
    { whole: of('"a"', 100), small: of('"a-gzip"', 40) },
    { "x-own": "1" },
  );
});

const ask = async (headers: Record<string, string>, method = "GET") =>
  app.request("/", { method, headers });

test.each<[string, Record<string, string>, number]>([
  ["nothing", {}, 200],
  ["a range", { range: "bytes=10-19" }, 206],
  ["a suffix longer than the file", { range: "bytes=-500" }, 206],
  ["several ranges", { range: "bytes=0-1,5-6" }, 200],
  ["a range of a unit that nobody knows", { range: "items=0-1" }, 200],
  ["a range past the end", { range: "bytes=100-" }, 416],
  ["a range of what it holds", { range: "bytes=1-2", "if-range": '"a"' }, 206],
  ["a range of what is another now", { range: "bytes=1-2", "if-range": '"b"' }, 200],
  ["a range of a weak tag", { range: "bytes=1-2", "if-range": 'W/"a"' }, 200],
  ["a range of a date", { range: "bytes=1-2", "if-range": "Tue, 15 Nov 1994 12:45:26 GMT" }, 200],
  ["what it has", { "if-none-match": '"x", W/"a"' }, 304],
  ["what it has gzipped", { "if-none-match": '"a-gzip"' }, 304],
  ["anything that it has not", { "if-none-match": "*" }, 304],
  ["what it has not", { "if-none-match": '"aa"' }, 200],
  ["what must be the same", { "if-match": '"a"' }, 200],
  ["what must be another", { "if-match": '"b"' }, 412],
])("RFC 9110: who asks for %s", async (_, headers, status) => {
  read = 0;
  expect((await ask(headers)).status).toBe(status);
  expect(read).toBe(status < 300 ? 1 : 0);
  const told = await ask(headers, "HEAD");
  expect([told.status, [...told.headers].join()]).toEqual([
    status,
    [...(await ask(headers)).headers].join(),
  ]);
  expect(read).toBe(status < 300 ? 2 : 0); // HEAD read nothing
});

test.each([
  [undefined, false],
  ["gzip", true],
  ["br, GZIP;q=0.5", true],
  ["gzip;q=0", false],
  ["gzip;q=0.0, *", false],
  ["*", true],
  ["identity, gzip;q=0.5", false],
  ["x-gzipped", false],
  ["", false],
])("RFC 9110: accept-encoding %s takes gzip: %s", (header, takes) => {
  expect(prefersGzip(header)).toBe(takes);
});
