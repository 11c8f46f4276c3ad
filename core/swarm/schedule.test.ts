import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../random.ts";
import { addChunk, createBitfield, hasChunk } from "./bitfield.ts";
import { CHUNKS_IN_FLIGHT, nextRequests, rarestFirst, type Supplier } from "./schedule.ts";

const CHUNKS = 16;

function supplier(
  id: string,
  chunks: readonly number[],
  changes: Partial<Supplier> = {},
): Supplier {
  const have = createBitfield(CHUNKS);
  for (const chunk of chunks) addChunk(have, chunk);
  return { id, have, inFlight: 0, isSlow: false, ...changes };
}
const all = Array.from({ length: CHUNKS }, (_, chunk) => chunk);
const drawn = () => createRandom("schedule");

test("X: the chunk that fewest have is asked for first", () => {
  const suppliers = [supplier("a", [0, 1, 2]), supplier("b", [0, 1]), supplier("c", [0])];
  expect(rarestFirst([0, 1, 2], suppliers, drawn())).toEqual([2, 1, 0]);
  const [first] = nextRequests([0, 1, 2], suppliers, drawn());
  expect(first).toEqual({ supplier: "a", chunk: 2 });
});

test("X: pages that begin together take equally rare chunks in orders of their own", () => {
  const seed = supplier("seed", all);
  const orders = ["one", "two"].map((page) => rarestFirst(all, [seed], createRandom(page)));
  expect(orders[0]).not.toEqual(orders[1]);
  for (const order of orders) expect(order.toSorted((a, b) => a - b)).toEqual(all);
});

test("X: a chunk is asked of whoever has least to send", () => {
  const suppliers = [supplier("busy", all, { inFlight: 1 }), supplier("idle", all)];
  expect(nextRequests([3], suppliers, drawn())).toEqual([{ supplier: "idle", chunk: 3 }]);
});

test("X: a slow supplier is asked for one chunk at a time, others for two", () => {
  const suppliers = [supplier("slow", all, { isSlow: true }), supplier("quick", all)];
  const asked = nextRequests(all, suppliers, drawn()).map((request) => request.supplier);
  expect(asked.toSorted()).toEqual(["quick", "quick", "slow"]);
});

test("X: what nobody has is not asked for", () => {
  expect(nextRequests([0, 1], [supplier("a", [1])], drawn())).toEqual([
    { supplier: "a", chunk: 1 },
  ]);
  expect(nextRequests([0, 1], [], drawn())).toEqual([]);
});

test("X: whoever is there, each chunk is asked for once, of one who has it, and nobody for too many", () => {
  const peer = fc.record({
    chunks: fc.uniqueArray(fc.nat(CHUNKS - 1)),
    inFlight: fc.nat(CHUNKS_IN_FLIGHT),
    isSlow: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(peer, { maxLength: 8 }),
      fc.subarray(all),
      fc.nat(),
      (peers, wanted, seed) => {
        const suppliers = peers.map((one, i) => supplier(String(i), one.chunks, one));
        const requests = nextRequests(wanted, suppliers, createRandom(seed));
        const asked = requests.map(({ chunk }) => chunk);
        expect(new Set(asked).size).toBe(asked.length);
        for (const { supplier: id, chunk } of requests) {
          expect(wanted).toContain(chunk);
          expect(hasChunk(suppliers[Number(id)]!.have, chunk)).toBe(true);
        }
        for (const { id, inFlight, isSlow } of suppliers) {
          const more = requests.filter((request) => request.supplier === id).length;
          if (more > 0) expect(inFlight + more).toBeLessThanOrEqual(isSlow ? 1 : CHUNKS_IN_FLIGHT);
        }
        // nobody who could send a chunk that is still wanted is left idle
        const left = wanted.filter((chunk) => !asked.includes(chunk));
        for (const { id, have, inFlight } of suppliers) {
          const isIdle = inFlight === 0 && requests.every((request) => request.supplier !== id);
          if (isIdle) expect(left.filter((chunk) => hasChunk(have, chunk))).toEqual([]);
        }
      },
    ),
  );
});
