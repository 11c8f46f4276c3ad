/** How long judging takes on this relay, by model; kept in memory, since another start may be on another machine; relays that share a ledger go by the one that judges. */
export type JudgingPace = {
  /** A contribution was judged by itself, or a cohort's cost was shared out: so many seconds for one. */
  note(model: string, part: "alone" | "cohort", seconds: number): void;
  /** Another relay judges, and says how long it takes. */
  learn(model: string, seconds: number): void;
  /** Seconds that judging one contribution takes: by itself, and its share of its cohort's. */
  seconds(model: string): number;
  /** The same, null before anything was judged. */
  measured(model: string): number | null;
};

const FIRST_GUESS_SECONDS = 0.5; // a small model's score on two processor cores, and some more
const NEWEST_WEIGHT = 1 / 16; // so that one slow score is not all that counts

export function createJudgingPace(): JudgingPace {
  const means = new Map<string, number>();
  const meanOf = (model: string, part: "alone" | "cohort") => means.get(`${part} ${model}`);

  function measured(model: string): number | null {
    const alone = meanOf(model, "alone");
    return alone === undefined ? null : alone + (meanOf(model, "cohort") ?? 0);
  }
  return {
    note(model, part, seconds) {
      const mean = meanOf(model, part) ?? seconds;
      means.set(`${part} ${model}`, mean + NEWEST_WEIGHT * (seconds - mean));
    },
    learn(model, seconds) {
      means.set(`alone ${model}`, seconds);
      means.delete(`cohort ${model}`);
    },
    seconds: (model) => measured(model) ?? FIRST_GUESS_SECONDS,
    measured,
  };
}
