import { byMoreExamples, denseWay, type Size, sparseLocoWay, sparseWay, type Way } from "./ways.ts";

/** A comparison of ways by communities of one size; the first way is dense training. */
export type Plan = {
  readonly size: Size;
  readonly ways: readonly Way[];
};

const SMALL = { model: "digits", volunteers: 8, versions: 8, changes: [] };

/** In the base's own domain, with a fixed budget of tickets. */
export const DIGITS: Plan = {
  size: SMALL,
  ways: [
    denseWay(SMALL, [0.01, 0.005, 0.02]),
    sparseWay(SMALL, "random", 0.001, [0.2, 0.1, 0.4]),
    sparseWay(SMALL, "random", 0.005, [0.25, 0.12, 0.5, 0.06]),
    sparseWay(SMALL, "random", 0.02, [0.15, 0.1, 0.25]),
    sparseWay(SMALL, "random", 0.1, [0.06, 0.03, 0.12]),
    sparseWay(SMALL, "shared", 0.005, [0.06, 0.12, 0.25, 0.03]),
    sparseWay(SMALL, "shared", 0.02, [0.06, 0.03, 0.12]),
    byMoreExamples(sparseWay(SMALL, "shared", 0.02, [0.06, 0.03, 0.12]), 1024),
    sparseWay(SMALL, "own", 0.005, [0.12, 0.06, 0.25]),
    sparseWay(SMALL, "own", 0.01, [0.06, 0.04, 0.12]),
    sparseWay(SMALL, "own", 0.02, [0.03, 0.02, 0.06]),
    sparseLocoWay(SMALL, 0.005, 2, [0.01, 0.005, 0.02]),
    sparseLocoWay(SMALL, 0.01, 2, [0.01, 0.005, 0.02]),
    sparseLocoWay(SMALL, 0.02, 2, [0.005, 0.01, 0.02, 0.0025]),
  ],
};

const LONGER_SIZE = { ...SMALL, volunteers: 10, versions: 20 };

/** The same for so long that dense training comes near the best that it can do. */
export const LONGER: Plan = {
  size: LONGER_SIZE,
  ways: [
    denseWay(LONGER_SIZE, [0.005, 0.01, 0.0025]),
    sparseWay(LONGER_SIZE, "own", 0.02, [0.03, 0.02, 0.04]),
  ],
};

const FEW = {
  model: "presidents",
  volunteers: 3,
  versions: 4,
  changes: ["merge.cohortSize=3"], // else so few merge once or twice, of the same base
};

/** Moved to another domain, from Moby Dick to speeches. */
export const PRESIDENTS: Plan = {
  size: FEW,
  ways: [
    denseWay(FEW, [0.001, 0.002, 0.0005]),
    sparseWay(FEW, "own", 0.005, [0.02, 0.012]),
    sparseWay(FEW, "own", 0.01, [0.015]),
    sparseWay(FEW, "own", 0.02, [0.009, 0.006, 0.013]),
    sparseWay(FEW, "random", 0.02, [0.02, 0.04]),
    sparseLocoWay(FEW, 0.01, 2, [0.002, 0.004]),
    sparseLocoWay(FEW, 0.02, 2, [0.002, 0.001, 0.004]),
  ],
};
