import type { AlertKind } from "../../core/protocol/schemas/alerts.ts";

/** How a maintainer reads and writes the limit of one kind of alert. */
export type AlertWords = {
  readonly title: string;
  /** What the number counts; stands behind it. */
  readonly unit: string;
  /** Shown is the limit times this: shares are written as percent. */
  readonly scale: number;
  readonly least: number;
  readonly most: number;
};

export const ALERT_WORDS: Readonly<Record<AlertKind, AlertWords>> = {
  "no-merge": {
    title: "Nothing is merged",
    unit: "times the usual time, while work waits",
    scale: 1,
    least: 1,
    most: 1000,
  },
  refusals: {
    title: "More is refused",
    unit: "standard errors above what is usual",
    scale: 1,
    least: 2,
    most: 100,
  },
  drift: {
    title: "The model gets worse",
    unit: "standard errors behind the best version or the release",
    scale: 1,
    least: 2,
    most: 100,
  },
  flips: {
    title: "Answers flip",
    unit: "percent of the flip budget used",
    scale: 100,
    least: 0,
    most: 100,
  },
  backlog: {
    title: "Judging is behind",
    unit: "seconds of judging wait",
    scale: 1,
    least: 1,
    most: 1e6,
  },
  disk: {
    title: "The disk fills",
    unit: "percent of the disk used",
    scale: 100,
    least: 0,
    most: 100,
  },
  network: {
    title: "One network does much",
    unit: "percent of the work under way",
    scale: 100,
    least: 0,
    most: 100,
  },
};
