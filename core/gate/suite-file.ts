import { FormatError } from "../errors.ts";
import { encodeCanonical, parseJson } from "../protocol/canonical-json.ts";
import { MAX_SUITE_BYTES } from "../protocol/limits.ts";
import type { Architecture } from "../protocol/schemas/recipe.ts";
import { type SuiteHeader, suiteHeader } from "../protocol/schemas/suite.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  encodeSafetensorsHead,
  type Tensor,
} from "../tensors/safetensors.ts";
import type { Metadata } from "../tensors/safetensors-header.ts";
import { seededBatches } from "../training/batches.ts";
import {
  decodeExamples,
  type Examples,
  encodeExamples,
  joinExamples,
  sliceExamples,
} from "../training/examples.ts";

/** A contributed suite before anybody has looked at its examples: size, file and header are checked. */
export type OpenedSuite = {
  readonly header: SuiteHeader;
  /** Rows of the file. */
  readonly examples: number;
  readonly tensors: readonly Tensor[];
};

const LIMITS = { maxHeaderBytes: 16 << 10, maxTensors: 2 }; // 1,320 characters of words, each six in JSON at most

/** A suite as its canonical file (protocol U1): examples as a shard has them, and the header. */
export function encodeSuiteFile(header: SuiteHeader, examples: Examples): Uint8Array<ArrayBuffer> {
  const { tensors } = decodeSafetensors("suite", encodeExamples(examples), LIMITS);
  return encodeSafetensors({ tensors: tensors.values(), metadata: metadataOf(header) });
}

/** Throws a FormatError for a file that is too long or not canonical, or whose header its schema refuses. */
export function openSuiteFile(bytes: Uint8Array): OpenedSuite {
  if (bytes.length > MAX_SUITE_BYTES) {
    throw new FormatError(`suite: ${bytes.length} bytes > ${MAX_SUITE_BYTES}`);
  }
  const file = decodeSafetensors("suite", bytes, LIMITS);
  const text = new TextEncoder().encode(file.metadata.suite ?? "");
  const header = parseJson("suite header", suiteHeader, text);
  const tensors = [...file.tensors.values()];
  // data lie without holes where the header says: with a canonical header they are the canonical file's
  const canonical = encodeSafetensorsHead({ tensors, metadata: metadataOf(header) });
  if (canonical.some((byte, at) => byte !== bytes[at])) {
    throw new FormatError("suite: not in canonical form");
  }
  const examples = tensors[0]?.shape[0] ?? 0;
  if (examples === 0) throw new FormatError("suite: no examples");
  return { header, examples, tensors };
}

/** The examples of an opened suite, in the file's order. Throws a FormatError unless they are some of `architecture`. */
export function suiteExamples({ tensors }: OpenedSuite, architecture: Architecture): Examples {
  const plain = encodeSafetensors({ tensors, metadata: {} });
  return decodeExamples("suite", plain, architecture, { maxBytes: MAX_SUITE_BYTES });
}

/**
 * The rows of a suite's file in the order in which the gate looks at them (protocol U5): a test needs examples in random
 * order, and a contributor may have sorted them. `setAside` are left out.
 */
export function suiteRows(id: string, examples: number, setAside: readonly number[]): Uint32Array {
  const rows = seededBatches(`suite ${id}`, examples, examples).next().value;
  const left = new Set(setAside);
  return rows.filter((row) => !left.has(row));
}

/** The examples of these rows, in their order. */
export function pickExamples(examples: Examples, rows: Uint32Array): Examples {
  return joinExamples(Array.from(rows, (row) => sliceExamples(examples, row, row + 1)));
}

function metadataOf(header: SuiteHeader): Metadata {
  return { suite: new TextDecoder().decode(encodeCanonical(header)) };
}
