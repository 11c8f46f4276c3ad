import { readFile } from "node:fs/promises";
import { sha256 } from "../../core/crypto/signature.ts";
import { assert } from "../../core/errors.ts";
import { cutOf, type GatePackets, planPackets } from "../../core/gate/packets.ts";
import type { Recipe } from "../../core/protocol/schemas/recipe.ts";
import type { OpenedPackets, SealedSuite } from "../../core/protocol/schemas/version.ts";
import { decodeExamples, encodeExamples, sliceExamples } from "../../core/training/examples.ts";
import { damagedError } from "../content/damage.ts";
import type { RelayContext } from "../context.ts";

/** What version 0 promises of a gate suite, whose file is `bytes`: the hash of each packet and of the reserve (protocol G24). */
export async function sealSuite(
  recipe: Recipe,
  suite: SealedSuite["suite"],
  bytes: Uint8Array,
): Promise<SealedSuite> {
  const examples = decodeExamples(`${recipe.id}'s ${suite} set`, bytes, recipe.architecture);
  const plan = planPackets(recipe, suite);
  assert(plan !== null, `${recipe.id} has no ${suite} set`);
  const { size, count, reserve } = plan;
  const hashOf = (from: number, to: number) =>
    sha256(encodeExamples(sliceExamples(examples, from, to)));
  const packets: string[] = [];
  for (let i = 0; i < count; i++) packets.push(await hashOf(i * size, (i + 1) * size));
  return {
    suite,
    packetExamples: size,
    reserveExamples: reserve[1] - reserve[0],
    packets,
    reserve: await hashOf(...reserve),
  };
}

/** Before any gate has opened a packet. */
export function nothingOpened(suites: readonly SealedSuite[]): OpenedPackets {
  return { gate: 0, ...(suites.some(({ suite }) => suite === "protected") && { protected: 0 }) };
}

/**
 * Make the packets public that were opened up to a version (protocol G24). It comes after the version's commit, so that a packet
 * is sealed until then and open in the end, whatever is killed when. Throws a damagedError where a suite is not what was promised.
 */
export async function openPackets(
  { blobs, heldOut }: Pick<RelayContext, "blobs" | "heldOut">,
  { id, architecture }: Recipe,
  { suites, opened }: GatePackets,
): Promise<void> {
  for (const sealed of suites) {
    const { suite, packets } = sealed;
    const due: number[] = [];
    for (let i = 0; i < (opened[suite] ?? 0); i++) {
      if ((await blobs.size(packets[i]!)) === null) due.push(i);
    }
    if (due.length === 0) continue;
    const name = `the ${suite} set`;
    const examples = decodeExamples(name, await readFile(heldOut.paths(id)[suite]), architecture);
    const { size } = cutOf(sealed);
    for (const i of due) {
      const bytes = encodeExamples(sliceExamples(examples, i * size, (i + 1) * size));
      if ((await sha256(bytes)) !== packets[i]) throw damagedError(name);
      await blobs.put(bytes);
    }
  }
}
