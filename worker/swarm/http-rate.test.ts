import { expect, test } from "vitest";
import { createHttpRate } from "./http-rate.ts";

test("X6: HTTP's rate is unknown before the first chunk, and then what that one took", () => {
  const rate = createHttpRate();
  expect(rate.current()).toBe(null);
  rate.note({ sizeBytes: 1000, fromMs: 10, firstMs: 10, toMs: 20 });
  expect(rate.current()).toBe(100);
});

test("X6: six chunks at once wait together for the first byte", () => {
  const rate = createHttpRate();
  rate.note({ sizeBytes: 1000, fromMs: 0, firstMs: 40, toMs: 50 });
  expect(rate.current()).toBe(60); // 6,000 bytes in 40 + 60 ms
});

test("X6: chunks that came side by side count together, as far as they overlap", () => {
  const rate = createHttpRate();
  rate.note({ sizeBytes: 1000, fromMs: 0, firstMs: 0, toMs: 100 });
  rate.note({ sizeBytes: 1000, fromMs: 50, firstMs: 50, toMs: 150 });
  expect(rate.current()).toBe(15); // all of the second, half of the first, in 100 ms
});

test("X6: a chunk that came in one piece is as fast as a batch that waits for it", () => {
  const rate = createHttpRate();
  rate.note({ sizeBytes: 1000, fromMs: 0, firstMs: 60, toMs: 60 });
  expect(rate.current()).toBeCloseTo(6000 / 66);
});

test("X6: a slow chunk does not make HTTP slower than it has been", () => {
  const rate = createHttpRate();
  rate.note({ sizeBytes: 1000, fromMs: 0, firstMs: 0, toMs: 10 });
  rate.note({ sizeBytes: 1000, fromMs: 20, firstMs: 20, toMs: 1020 });
  expect(rate.current()).toBe(100);
});
