/** Whatever bytes come, a decoder reads them or names what is wrong, and takes no more memory than they can be worth. */
import { readFileSync } from "node:fs";
import { getHeapStatistics } from "node:v8";
import fc from "fast-check";
import { sha256 } from "../../core/crypto/signature.ts";
import { FormatError } from "../../core/errors.ts";
import { encodeSuiteFile, openSuiteFile, suiteExamples } from "../../core/gate/suite-file.ts";
import { decodeVersion, encodeVersion } from "../../core/history/version.ts";
import { decodePatch, decodePatchHeader, encodePatch } from "../../core/patch/patch.ts";
import { decodePositions, encodePositions } from "../../core/patch/positions.ts";
import { encodeCanonical, parseJson } from "../../core/protocol/canonical-json.ts";
import { keyframeManifest } from "../../core/protocol/schemas/checkpoint.ts";
import type { Architecture } from "../../core/protocol/schemas/recipe.ts";
import { recipe } from "../../core/protocol/schemas/recipe.ts";
import { ticketRequest } from "../../core/protocol/schemas/ticket.ts";
import { decodeBitfield, encodeBitfield } from "../../core/swarm/bitfield.ts";
import { decodeDeltaStep, encodeDeltaStep } from "../../core/tensors/delta-step.ts";
import { decodeDifference } from "../../core/tensors/difference.ts";
import { chunksOfManifest, nameCheckpoint, writeKeyframe } from "../../core/tensors/manifest.ts";
import { decodeExamples } from "../../core/training/examples.ts";
import { encodeImageExamples } from "../../core/training/image-examples.ts";
import { encodeTextExamples } from "../../core/training/text-examples.ts";
import {
  fisherPatchBytes,
  layout,
  ownPatchBytes,
  patchBytes,
  positions,
} from "../fixtures/golden-patches.ts";
import { SMALL_LAYOUT, signedHistory } from "../fixtures/signed-history.ts";
import { tinyRecipe } from "../fixtures/tiny-model.ts";
import { mutate, mutations } from "./mutations.ts";

type Decoder = {
  readonly name: string;
  readonly file: Uint8Array;
  /** What the decoded value is as bytes again, which must be those that came; null where more than one file says the same. */
  decode(bytes: Uint8Array<ArrayBuffer>): Uint8Array | null;
};

const FREE_BYTES = 1 << 20; // of memory, whatever a file's size: pools and generations grow in steps
const MOST_A_BYTE = 64; // of memory for a byte of a file
const STEP_SIZE = 1000; // parameters of the golden delta steps' model

/** Try `runs` mutated files, each in every decoder that could be given it. Throws at the first that is no honest answer. */
export async function fuzzDecoders(runs: number, seed: number): Promise<void> {
  const decoders = await allDecoders();
  const file = fc.record({ decoder: fc.constantFrom(...decoders), changes: mutations });
  fc.assert(
    fc.property(file, ({ decoder, changes }) => tryDecoder(decoder, mutate(decoder.file, changes))),
    { numRuns: runs, seed },
  );
}

function tryDecoder({ name, decode }: Decoder, bytes: Uint8Array<ArrayBuffer>): void {
  const before = getHeapStatistics().external_memory;
  try {
    const again = decode(bytes);
    if (again !== null && Buffer.compare(again, bytes) !== 0) {
      throw new Error(`${name}: a file that is not the one that its values are written as`);
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  const taken = getHeapStatistics().external_memory - before;
  if (taken > FREE_BYTES + MOST_A_BYTE * bytes.length) {
    throw new Error(`${name}: ${taken} bytes of memory for ${bytes.length}`);
  }
}

async function allDecoders(): Promise<Decoder[]> {
  const { versions } = await signedHistory([{ merge: 2 }, { merge: 3 }, { revert: 0 }]);
  const checkpoint = await nameCheckpoint(SMALL_LAYOUT, new Float32Array(SMALL_LAYOUT.size));
  const zeros = new Float32Array(SMALL_LAYOUT.size);
  const narrow = await writeKeyframe(SMALL_LAYOUT, zeros, checkpoint, sha256);
  const parameters = new Float32Array(STEP_SIZE).fill(0.25);
  const patch = (name: string, file: Uint8Array, own: boolean): Decoder => ({
    ...{ name, file },
    decode(bytes) {
      decodePatchHeader(bytes);
      const masked = own ? null : positions;
      return encodePatch(decodePatch(bytes, layout, masked), layout, masked);
    },
  });
  const step = (name: string): Decoder => ({
    name,
    file: readFileSync(new URL(`../golden/${name}.safetensors`, import.meta.url)),
    decode: (bytes) => encodeDeltaStep(decodeDeltaStep(bytes, parameters), STEP_SIZE),
  });
  return [
    patch("a patch of a random mask", patchBytes, false),
    patch("a patch of an own mask", ownPatchBytes, true),
    patch("a patch with Fisher weights", fisherPatchBytes, true),
    step("delta-step"),
    step("delta-step-quantised"),
    step("delta-step-masked"),
    {
      name: "a difference",
      file: readFileSync(new URL("../golden/difference.safetensors", import.meta.url)),
      decode(bytes) {
        decodeDifference(bytes, parameters);
        return null; // a block may be wider than it need be
      },
    },
    ...versions.map((version, i) => ({
      name: `version ${i}`,
      file: encodeVersion(version),
      decode: (bytes: Uint8Array) => encodeVersion(decodeVersion(bytes)),
    })),
    {
      name: "positions",
      file: encodePositions(Uint32Array.of(3, 5, 70, 71, 900, 999), STEP_SIZE),
      decode: (bytes) => encodePositions(decodePositions(bytes, 6, STEP_SIZE), STEP_SIZE),
    },
    {
      name: "a bitfield",
      file: Buffer.from("00ff10"),
      decode(bytes) {
        const text = Buffer.from(bytes).toString("latin1");
        return Buffer.from(encodeBitfield(decodeBitfield(text, 20)) || text, "latin1");
      },
    },
    ...exampleFiles(),
    ...[checkpoint.manifest, narrow].map((manifest) => ({
      name: manifest.format,
      file: encodeCanonical(manifest),
      decode(bytes: Uint8Array) {
        chunksOfManifest(parseJson("manifest", keyframeManifest, bytes));
        return null;
      },
    })),
    {
      name: "a recipe",
      file: encodeCanonical(tinyRecipe),
      decode(bytes) {
        encodeCanonical(parseJson("recipe", recipe, bytes)); // whatever is taken can be hashed
        return null;
      },
    },
    {
      name: "a request for work",
      file: encodeCanonical({
        ...{ contributor: "ab".repeat(32), issuedAt: 1, backend: "cpu", device: "\u00e9 1" },
      }),
      decode(bytes) {
        encodeCanonical(parseJson("request", ticketRequest, bytes));
        return null;
      },
    },
  ];
}

function exampleFiles(): Decoder[] {
  const images: Architecture = { kind: "mlp", inputs: 4, hidden: [2], outputs: 3 };
  const text: Architecture = {
    ...{ kind: "gpt", vocabulary: 300, context: 4, channels: 8, layers: 1, heads: 1 },
  };
  const tokens = Uint16Array.of(1, 2, 3, 4, 299, 6, 7, 8, 9, 10);
  const counted = Uint8Array.of(0, 1, 1, 1, 0, 0, 0, 1);
  const pixels = Uint8Array.from({ length: 12 }, (_, i) => 20 * i);
  const labels = Uint8Array.of(0, 1, 2);
  const three = { kind: "images", count: 3, pixels, labels } as const;
  const header = {
    ...({ format: "commonweight.suite/1", model: "tiny", name: "dim" } as const),
    ...{ contributor: "ab".repeat(32), marginNats: 0.1 },
    ...{ reason: "\u00e9", licence: "CC0-1.0", use: "A test" },
  };
  const suite: Decoder = {
    name: "a suite",
    file: encodeSuiteFile(header, three),
    decode(bytes) {
      const opened = openSuiteFile(bytes);
      const examples = suiteExamples(opened, images);
      return encodeSuiteFile(opened.header, examples);
    },
  };
  const files = [
    { name: "images", file: encodeImageExamples(three) },
    {
      name: "text",
      file: encodeTextExamples({ kind: "text", count: 2, length: 5, tokens, counted }),
    },
  ];
  const plain = files.map(({ name, file }) => ({
    name,
    file,
    decode(bytes: Uint8Array<ArrayBuffer>) {
      decodeExamples(name, bytes, name === "text" ? text : images);
      return null;
    },
  }));
  return [...plain, suite];
}
