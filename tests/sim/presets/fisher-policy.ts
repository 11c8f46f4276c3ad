/** How masks by Fisher information are chosen where a recipe of random masks says nothing of it. */
export const FISHER_POLICY = [
  "mask.fisher.examples=1024",
  "mask.fisher.damping=1",
  "mask.fisher.outputShare=0.1",
  "mask.fisher.vectorShare=0.05",
  "mask.fisher.tensorCap=0.5",
] as const;
