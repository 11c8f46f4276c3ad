const EXAMPLES: Readonly<Record<string, number>> = { digits: 256, presidents: 64 }; // a sixth of the time of a piece

/** How masks by Fisher information are chosen, whatever the recipe of `model` says of it. */
export function fisherPolicy(model: string): string[] {
  return [
    `mask.fisher.examples=${EXAMPLES[model]}`,
    "mask.fisher.damping=1",
    "mask.fisher.outputShare=0.1",
    "mask.fisher.vectorShare=0.05",
    "mask.fisher.tensorCap=0.5",
  ];
}
