import { expect, test } from "vitest";
import { linksToBegin, MOST_LINKS } from "./links.ts";

test("X: a page seeks eighteen quick peers, and counts those that it is about to be connected with", () => {
  expect(linksToBegin({ quick: 0, slow: 0, begun: 0 })).toBe(18);
  expect(linksToBegin({ quick: 3, slow: 0, begun: 2 })).toBe(13);
  expect(linksToBegin({ quick: 19, slow: 0, begun: 0 })).toBe(0);
});

test("X: others are sought beside slow peers, as far as there is room", () => {
  expect(linksToBegin({ quick: 3, slow: 5, begun: 0 })).toBe(15);
  expect(linksToBegin({ quick: 3, slow: MOST_LINKS - 4, begun: 0 })).toBe(1);
});
