import type { Juror } from "../../core/gate/jury.ts";

/** Trusted volunteers who asked lately whether there is something to judge, by model. In memory, as jobs are. */
export type Jurors = {
  note(model: string, juror: Juror): void;
  /** One did not come back with what it was given. It is noted again when it asks again. */
  leave(model: string, contributor: string): void;
  present(model: string): Juror[];
};

const PRESENT_MS = 120_000; // they ask between two pieces
const MOST_PRESENT = 4096; // of a model: any of them can be drawn

export function createJurors(clock: () => number): Jurors {
  const models = new Map<string, Map<string, Juror & { readonly at: number }>>();
  return {
    note(model, juror) {
      const known = models.get(model) ?? new Map<string, Juror & { readonly at: number }>();
      models.set(model, known);
      known.delete(juror.contributor); // its place is at the end
      known.set(juror.contributor, { ...juror, at: clock() });
      if (known.size > MOST_PRESENT) known.delete(known.keys().next().value!); // asked least lately
    },
    leave(model, contributor) {
      models.get(model)?.delete(contributor);
    },
    present(model) {
      const now = clock();
      return [...(models.get(model)?.values() ?? [])]
        .filter(({ at }) => now - at < PRESENT_MS)
        .map(({ contributor, network }) => ({ contributor, network }));
    },
  };
}
