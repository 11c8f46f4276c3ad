import { expect, test } from "vitest";
import type { SuiteTest, VersionRecord } from "../protocol/schemas/version.ts";
import { packetFault, testedPackets } from "./opened-packets.ts";

const suites: VersionRecord["suites"] = [
  {
    suite: "gate",
    packetExamples: 50,
    reserveExamples: 100,
    packets: ["0", "1", "2", "3"].map((digit) => digit.repeat(64)),
    reserve: "f".repeat(64),
  },
];
const fresh: SuiteTest = {
  suite: "gate",
  against: "parent",
  version: 0,
  decision: "pass",
  examples: 60,
  meanDifferenceNats: -0.01,
  logEvidence: 3,
  passAt: 2.9,
  examplesWere: "fresh",
  marginNats: 0.02,
  clipNats: 4,
};
const zero = { number: 0, suites, packets: { gate: 0 }, evaluation: { gate: null } };
const version = (packets: VersionRecord["packets"], tests: readonly SuiteTest[] | null) => ({
  number: 1,
  packets,
  evaluation: { gate: tests === null ? null : { tests } },
});
/** What is wrong with a version after one that has opened `before` packets. */
const faultOf = (record: object, before = 0, first: object = zero) =>
  packetFault(
    record as VersionRecord,
    { ...zero, packets: { gate: before } } as unknown as VersionRecord,
    first as VersionRecord,
  );

test("V12: a version opens the packets after its parent's that its gate was tested on", () => {
  expect(
    packetFault(zero as unknown as VersionRecord, null, zero as unknown as VersionRecord),
  ).toBeNull();
  expect(faultOf(version({ gate: 2 }, [fresh]))).toBeNull();
  expect(faultOf(version({ gate: 3 }, null), 3)).toBeNull(); // a revert that a maintainer insisted on
  const reused: SuiteTest = { ...fresh, examplesWere: "reused" };
  expect(faultOf(version({ gate: 4 }, [reused]), 4)).toBeNull();
  expect(faultOf(merged({ gate: 4 }, [reused]), 2)).toBeNull();
});

test("V12: a gate does not use examples again while fresh packets last", () => {
  const reused: SuiteTest = { ...fresh, examplesWere: "reused" };
  expect(faultOf(version({ gate: 2 }, [reused]), 2)).toMatch(/nothing fresh/);
});

const merged = (packets: VersionRecord["packets"], tests: readonly SuiteTest[] | null) => ({
  ...version(packets, tests),
  merge: {},
});
const mixed: SuiteTest = { ...fresh, examplesWere: "reused" };

test.each([
  ["a merge without a test", merged({ gate: 2 }, []), /merges, and was not tested/],
  ["a merge without a gate", merged({ gate: 2 }, null), /merges, and was not tested/],
  ["the reserve beside sealed packets", merged({ gate: 3 }, [mixed]), /while packets were sealed/],
  [
    "itself as what it is compared with",
    merged({ gate: 3 }, [{ ...fresh, version: 1 }]),
    /no earlier/,
  ],
  ["fewer packets than before", version({ gate: 1 }, [fresh]), /1 packets are open, 2 were/],
  ["more packets than there are", version({ gate: 5 }, [fresh]), /5 packets are open/],
  ["packets without a test", version({ gate: 3 }, null), /without a test/],
  ["fresh examples that it keeps sealed", version({ gate: 3 }, [fresh]), /more fresh examples/],
  ["no word of packets", version(undefined, [fresh]), /does not say which packets/],
  ["suites anew", { ...version({ gate: 4 }, [fresh]), suites }, /promises suites anew/],
  [
    "a fresh test without its margin",
    version({ gate: 4 }, [{ ...fresh, marginNats: undefined }]),
    /does not say its margin/,
  ],
])("V12: a record with %s is refused", (_, record, message) => {
  expect(faultOf(record, 2)).toMatch(message);
});

test("V12: a history that promised no packets opens none, and one that began with open packets is refused", () => {
  const plain = { number: 0, evaluation: { gate: null } };
  expect(faultOf(version(undefined, [fresh]), 0, plain)).toBeNull();
  expect(faultOf(version({ gate: 1 }, [fresh]), 0, plain)).toMatch(/promised none/);
  const early = { ...zero, packets: { gate: 1 } } as unknown as VersionRecord;
  expect(packetFault(early, null, early)).toMatch(/open before any gate/);
});

test("V13: the packets that fresh tests saw are the last that a version opens; tests on the reserve name none, whatever was spent", () => {
  const [sealed] = suites!;
  const opening = { before: { gate: 1 }, after: { gate: 4 } };
  const shorter = { ...fresh, against: "release" as const, examples: 20 };
  expect(testedPackets(sealed!, opening, [shorter, fresh])).toEqual(sealed!.packets.slice(2));
  expect(testedPackets(sealed!, opening, [mixed])).toEqual([]);
});
