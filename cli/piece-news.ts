import type { Contribution } from "../core/protocol/schemas/contribution.ts";

export type PieceNews = {
  /** Ids of the pieces that the relay has. */
  readonly sent: () => readonly string[];
  /** What the relay says of this contributor's work now. */
  readonly look: () => Promise<readonly Contribution[]>;
  readonly print: (line: string) => void;
  /** Rejects as soon as `wake` is aborted, or the command. */
  readonly sleep: (ms: number, wake?: AbortSignal) => Promise<void>;
  /** Resolves when no more pieces are made. */
  readonly ended: Promise<unknown>;
};

const LOOK_MS = 10_000; // a cohort closes within half a minute
const LOOKS_AFTER_END = 12; // two minutes: a merge takes one, and who waits longer can look at the page

/** Tell what becomes of each piece, while pieces are made and for two minutes after; an answer that fails is asked for again. */
export async function followPieces({ sent, look, print, sleep, ended }: PieceNews): Promise<void> {
  const told = new Set<string>();
  let hasEnded = false;
  const nap = new AbortController();
  void ended.then(() => {
    hasEnded = true;
    nap.abort();
  });
  for (let after = 0; after < LOOKS_AFTER_END; after += hasEnded ? 1 : 0) {
    await (hasEnded ? sleep(LOOK_MS) : sleep(LOOK_MS, nap.signal).catch(throwUnless(nap.signal)));
    const open = sent().filter((id) => !told.has(id));
    if (open.length === 0 && hasEnded) return;
    if (open.length === 0) continue;
    const lives = await look().catch(() => null); // the relay is away for a moment
    for (const life of lives ?? []) {
      const line = open.includes(life.id) ? lineOf(life) : null;
      if (line === null) continue;
      told.add(life.id);
      print(line);
    }
    const isKnown = (id: string) => lives === null || lives.some((life) => life.id === id);
    if (hasEnded && !open.some((id) => !told.has(id) && isKnown(id))) return; // nothing more comes
  }
}

/** What a sleep rejects with, unless it was woken. */
function throwUnless(woken: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!woken.aborted) throw error;
  };
}

/** The end of a piece's way; null while it is under way. */
function lineOf({ id, state, version, reason }: Contribution): string | null {
  const name = `Piece ${id.slice(0, 12)}`;
  switch (state) {
    case "merged":
      return `${name} was merged into version ${version}: it is part of the model now`;
    case "refused":
      return `${name} was not used: ${reason?.message} (${reason?.code})`;
    case "reverted":
      return `${name} was taken out of the model again: ${reason?.message}`;
    default:
      return null;
  }
}
