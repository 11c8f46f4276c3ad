import { expect, test } from "vitest";
import { PICTURE_SIDE, pictureOf } from "./key-picture.ts";

test("a key's picture is its own mirror image, the same each time, and another key's is another", () => {
  const key = `000000${"1f2e3d4c5b6a798".padEnd(58, "0")}`;
  const dots = pictureOf(key);
  const rows = Array.from({ length: PICTURE_SIDE }, (_, row) =>
    dots.slice(row * PICTURE_SIDE, (row + 1) * PICTURE_SIDE),
  );
  for (const row of rows) expect(row).toEqual(row.toReversed());
  expect(rows[0]).toEqual([true, true, false, true, true]);
  expect(pictureOf(key)).toEqual(dots);
  expect(pictureOf(`000000${"f".repeat(58)}`)).not.toEqual(dots);
});
