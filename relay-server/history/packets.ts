import { sha256 } from "../../core/crypto/signature.ts";
import { assert } from "../../core/errors.ts";
import { cutOf, type GatePackets, planPackets } from "../../core/gate/packets.ts";
import { decodeVersion } from "../../core/history/version.ts";
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
  recipe: Recipe,
  { suites, opened }: Pick<GatePackets, "suites" | "opened">,
): Promise<void> {
  for (const sealed of suites) {
    const due: number[] = [];
    for (let i = 0; i < (opened[sealed.suite] ?? 0); i++) {
      if ((await blobs.size(sealed.packets[i]!)) === null) due.push(i);
    }
    for (const bytes of await readPackets(heldOut, recipe, sealed, due)) await blobs.put(bytes);
  }
}

/** The files of a suite's packets of these numbers, each as it was promised. */
async function readPackets(
  heldOut: RelayContext["heldOut"],
  { id, architecture }: Recipe,
  sealed: SealedSuite,
  numbers: readonly number[],
): Promise<Uint8Array<ArrayBuffer>[]> {
  if (numbers.length === 0) return [];
  const { suite, packets } = sealed;
  const name = `the ${suite} set`;
  const bytes = await heldOut.read(id, suite);
  if (bytes === null) throw damagedError(name);
  const examples = decodeExamples(name, bytes, architecture);
  const { size } = cutOf(sealed);
  const files: Uint8Array<ArrayBuffer>[] = [];
  for (const i of numbers) {
    const packet = encodeExamples(sliceExamples(examples, i * size, (i + 1) * size));
    if ((await sha256(packet)) !== packets[i]) throw damagedError(name);
    files.push(packet);
  }
  return files;
}

/** Finds a packet that is open by its hash, also while its file is still to be written; null for any other hash. */
export function createOpenPackets({
  history,
  heldOut,
  models,
}: Pick<RelayContext, "history" | "heldOut" | "models">): (
  hash: string,
) => Promise<Uint8Array<ArrayBuffer> | null> {
  const promised = new Map<string, readonly SealedSuite[]>(); // by model: version 0 never changes

  async function recordOf(model: string, number: number) {
    const row = await history.version(model, number);
    assert(row !== undefined, `${model} has no version ${number}`);
    return decodeVersion(row.signed).record;
  }
  return async (hash) => {
    for (const [model, { recipe }] of models) {
      const suites = promised.get(model) ?? (await recordOf(model, 0)).suites ?? [];
      promised.set(model, suites);
      const sealed = suites.find(({ packets }) => packets.includes(hash));
      if (sealed === undefined) continue;
      const number = sealed.packets.indexOf(hash);
      const head = (await history.model(model))?.head ?? 0;
      const { packets } = await recordOf(model, head);
      if (number >= (packets?.[sealed.suite] ?? 0)) return null;
      return (await readPackets(heldOut, recipe, sealed, [number]))[0]!;
    }
    return null;
  };
}
