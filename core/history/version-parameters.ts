import { downloadVersion } from "./downloaded-version.ts";
import { faultAt } from "./history-fault.ts";
import type { Base, HistorySource } from "./history-source.ts";
import { createPatchReader } from "./merged-patches.ts";
import { expectCheckpoint, readBase } from "./verify-history.ts";
import type { VerifiedVersion } from "./version.ts";
import { walkHistory } from "./walked-history.ts";

export type ParametersOptions = {
  readonly signal?: AbortSignal;
  /** Hears how many of the steps to the version are done. */
  readonly onStep?: (done: number, total: number) => void;
};

/**
 * The layout and the parameters [N] of version `number` of a verified chain: from a keyframe and delta steps where the
 * source serves them, else replayed from the patches. They hash to what the record says, or a HistoryError says that
 * they do not.
 */
export async function parametersOf(
  source: HistorySource,
  chain: readonly VerifiedVersion[],
  number: number,
  options: ParametersOptions = {},
): Promise<Base> {
  const { record } = chain[number]!; // the caller's, of this chain
  try {
    const built =
      source.plan === null
        ? await replayedTo(source, chain, number, options)
        : await downloadVersion(source, source.plan, number, options);
    await expectCheckpoint(built.layout, built.parameters, record);
    return built;
  } catch (error) {
    throw faultAt(number, error);
  }
}

async function replayedTo(
  source: HistorySource,
  chain: readonly VerifiedVersion[],
  number: number,
  { onStep, ...options }: ParametersOptions,
): Promise<Base> {
  const { layout, parameters } = await readBase(source, chain, options);
  const walked = walkHistory(layout, parameters);
  const patchesOf = createPatchReader(source, layout, chain);
  for (const { record } of chain.slice(1, number + 1)) {
    await walked.step(record, (other) => patchesOf(other, options), options);
    onStep?.(record.number, number);
  }
  return { layout, parameters: walked.parameters };
}
