import { expect, test } from "vitest";
import { createLayout, MAX_PARAMETERS } from "./layout.ts";

test("L1: tensors lie in code-unit order of their names, one after the other", () => {
  const { tensors, size } = createLayout([
    { name: "w.10", shape: [2, 3] },
    { name: "\uff00", shape: [1] }, // after the surrogate pair by code units, before it by code points
    { name: "\u{10000}", shape: [1] },
    { name: "w.2", shape: [4] },
    { name: "B", shape: [2, 1, 1] },
  ]);
  expect(tensors.map(({ name, offset, size }) => [name, offset, size])).toEqual([
    ["B", 0, 2],
    ["w.10", 2, 6],
    ["w.2", 8, 4],
    ["\u{10000}", 12, 1],
    ["\uff00", 13, 1],
  ]);
  expect(size).toBe(14);
});

test("L2: a tensor named twice, an empty or fractional dimension and no tensor are refused", () => {
  const w = { name: "w", shape: [2] };
  expect(() => createLayout([w, w])).toThrow('layout: tensor "w" twice');
  for (const length of [0, -1, 1.5, Number.NaN]) {
    expect(() => createLayout([{ name: "w", shape: [2, length] }])).toThrow("has a dimension of");
  }
  expect(() => createLayout([])).toThrow("layout: no parameters");
});

test("L2: more than 2^31 − 1 parameters and more than 4096 tensors are refused", () => {
  const big = { name: "a", shape: [MAX_PARAMETERS] };
  expect(createLayout([big]).size).toBe(MAX_PARAMETERS);
  expect(() => createLayout([big, { name: "b", shape: [1] }])).toThrow("more than 2147483647");
  expect(() => createLayout([{ name: "a", shape: [2 ** 30, 2 ** 30] }])).toThrow("more than");
  const many = Array.from({ length: 4097 }, (_, i) => ({ name: `${i}`, shape: [1] }));
  expect(() => createLayout(many)).toThrow("layout: 4097 tensors > 4096");
});
