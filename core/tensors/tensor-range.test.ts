import { expect, test } from "vitest";
import { createLayout } from "./layout.ts";
import { indicesOf, parseTensorRange } from "./tensor-range.ts";

const layout = createLayout([
  { name: "b", shape: [3] },
  { name: "w", shape: [2, 3, 4] },
]);
const positionsOf = (text: string) => [...parseTensorRange(text, layout).positions];

test("a range names indices and half-open ranges, outermost dimension first", () => {
  expect(positionsOf("b")).toEqual([0, 1, 2]);
  expect(positionsOf("b[1:]")).toEqual([1, 2]);
  expect(positionsOf("w")).toHaveLength(24);
  expect(positionsOf("w[1,2,3]")).toEqual([3 + 23]);
  expect(positionsOf("w[1, :2, 0]")).toEqual([3 + 12, 3 + 16]);
  expect(positionsOf("w[0]")).toHaveLength(12);
  expect(indicesOf([2, 3, 4], 23)).toEqual([1, 2, 3]);
});

test.each([
  ["x", /there is no tensor "x"; there are b, w/],
  ["b[3]", /3 is not within 0:3/],
  ["b[2:2]", /2:2 is not within 0:3/],
  ["b[0:4]", /0:4 is not within 0:3/],
  ["b[0,0]", /"b" is \[3\]/],
  ["b[,]", /"b" is \[3\]/],
  ["w[1,]", /""\?/],
  ["b[-1]", /there is no tensor/],
])("%s is not in the model", (text, sentence) => {
  expect(() => parseTensorRange(text, layout)).toThrow(sentence);
});
