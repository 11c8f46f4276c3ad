import { expect, test } from "vitest";
import { createHttpRate } from "./http-rate.ts";

test("X6: HTTP's rate is unknown before the first chunk, and then what that one took", () => {
  const rate = createHttpRate();
  expect(rate.current()).toBe(null);
  rate.note({ sizeBytes: 1000, fromMs: 10, toMs: 20 });
  expect(rate.current()).toBe(100);
});

test("X6: chunks that run side by side count together, as far as they overlap", () => {
  const rate = createHttpRate();
  rate.note({ sizeBytes: 1000, fromMs: 0, toMs: 100 });
  rate.note({ sizeBytes: 1000, fromMs: 50, toMs: 150 });
  expect(rate.current()).toBe(15); // all of the second, half of the first, in 100 ms
});

test("X6: a slow chunk does not make HTTP slower than it has been", () => {
  const rate = createHttpRate();
  rate.note({ sizeBytes: 1000, fromMs: 0, toMs: 10 });
  rate.note({ sizeBytes: 1000, fromMs: 20, toMs: 1020 });
  rate.note({ sizeBytes: 0, fromMs: 1020, toMs: 1020 });
  expect(rate.current()).toBe(100);
});
