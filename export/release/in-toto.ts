import { testedPackets } from "../../core/history/opened-packets.ts";
import type { SuiteTest, VersionRecord } from "../../core/protocol/schemas/version.ts";
import type { Release } from "./release.ts";

/** A file of a bundle and the SHA-256 of its bytes. */
export type FileDigest = { readonly name: string; readonly sha256: string };

const STATEMENT = "https://in-toto.io/Statement/v1";
export const MODEL_SIGNING = "https://model_signing/signature/v1.0";
const TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1";

/** The bundle's own file, which it cannot name by its hash. */
export const SIGNATURE_FILE = "model.sig";
/** What model signing leaves out at the top of a folder, beside the signature. */
export const UNSIGNED_NAMES = [".git", ".gitattributes", ".github", ".gitignore"] as const;

/**
 * The statement that a model's signature signs: each file by its hash, and `root`, the hash of all the hashes. Source: OpenSSF Model
 * Signing 1.0 §5 and §6, https://github.com/ossf/model-signing-spec.
 */
export function modelStatement(name: string, files: readonly FileDigest[], root: string): unknown {
  return {
    _type: STATEMENT,
    subject: [{ name, digest: { sha256: root } }],
    predicateType: MODEL_SIGNING,
    predicate: {
      resources: files.map((file) => ({
        name: file.name,
        algorithm: "sha256",
        digest: file.sha256,
      })),
      serialization: {
        method: "files",
        hash_type: "sha256",
        allow_symlinks: false,
        ignore_paths: [...UNSIGNED_NAMES, SIGNATURE_FILE],
      },
    },
  };
}

/**
 * A statement for each suite that the released version was tested on: the weights passed these tests, on these examples by this
 * recipe. Source: in-toto's predicate test-result v0.1, https://github.com/in-toto/attestation.
 */
export function testStatements(release: Release, weights: FileDigest): unknown[] {
  const { record } = release;
  const tests = record.evaluation.gate?.tests ?? [];
  return [...new Set(tests.map(({ suite }) => suite))].map((suite) => ({
    _type: STATEMENT,
    subject: [{ name: weights.name, digest: { sha256: weights.sha256 } }],
    predicateType: TEST_RESULT,
    predicate: {
      result: "PASSED",
      configuration: [
        { name: "recipe", digest: { sha256: release.acts.recipe } },
        ...examplesOf(release, suite),
      ],
      passedTests: [
        ...tests.filter((test) => test.suite === suite).map(testName),
        ...(suite === "gate" ? flipNames(record) : []),
      ],
      warnedTests: [],
      failedTests: [],
    },
  }));
}

/** What of a suite the gate looked at, by hash; where that were examples that only the relay has, the reserve's promise alone. */
function examplesOf(
  { record, sealed: all, openedBefore, acts }: Release,
  suite: string,
): unknown[] {
  const described = (name: string, sha256: string) => ({ name, digest: { sha256 } });
  const contributed = acts.suites.get(suite);
  if (contributed !== undefined) return [described(suite, contributed)];
  const sealed = all.find((each) => each.suite === suite);
  if (sealed === undefined) return [];
  const tests = (record.evaluation.gate?.tests ?? []).filter((test) => test.suite === suite);
  const opening = { before: openedBefore, after: record.packets };
  const opened = testedPackets(sealed, opening, tests);
  if (opened.length === 0) return [described(`${suite} reserve`, sealed.reserve)];
  return opened.map((hash) => described(`${suite} packet ${sealed.packets.indexOf(hash)}`, hash));
}

function testName({ suite, against, version, examples, meanDifferenceNats, ...test }: SuiteTest) {
  const margin = test.marginNats === undefined ? "its margin" : `${test.marginNats} nats`;
  return `${suite}: worse than the ${against}, version ${version}, by less than ${margin}; on ${examples} examples the loss changed by ${meanDifferenceNats} nats`;
}

function flipNames({ evaluation }: VersionRecord): string[] {
  const flips = evaluation.gate?.flips;
  if (flips === undefined) return [];
  return [
    `gate: of ${flips.rightBefore} answers that version ${flips.version} had right, ${flips.flips} are wrong; ${flips.budget * 100}% may be`,
  ];
}
