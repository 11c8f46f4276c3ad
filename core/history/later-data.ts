import type { AddData, SignedAct } from "../protocol/schemas/act.ts";

/** Data that an act added, and the newest version at that time: work on it is the first that trained on them. */
export type LaterData = Pick<AddData, "source" | "licence" | "examples" | "first"> & {
  readonly since: number;
};

/** What of `acts` is about data. */
export function laterDataOf(acts: readonly SignedAct[]): LaterData[] {
  return acts.flatMap(({ record: { deed, head } }) => {
    if (deed.kind !== "add-data") return [];
    const { source, licence, examples, first } = deed;
    return [{ source, licence, examples, first, since: head.number }];
  });
}
