import type { RefusedShare } from "../protocol/schemas/refused-work.ts";

/** One piece of work, and what made it. */
export type MadeWork = { readonly id: string; readonly by: string; readonly isRefused: boolean };

const MOST_NAMED = 20;
const SHOWN_EACH = 5;

/**
 * What was refused of `work`, newest first, by what made it: the most conspicuous first, at most 20. Who makes nothing that is
 * refused is left out. A share is compared with the share of all others by the two-proportion z-test.
 */
export function refusedShares(work: readonly MadeWork[]): RefusedShare[] {
  const groups = new Map<string, { arrived: number; refused: number; contributions: string[] }>();
  for (const { id, by, isRefused } of work) {
    const group = groups.get(by) ?? { arrived: 0, refused: 0, contributions: [] };
    groups.set(by, group);
    group.arrived++;
    if (!isRefused) continue;
    group.refused++;
    if (group.contributions.length < SHOWN_EACH) group.contributions.push(id);
  }
  const refused = work.filter(({ isRefused }) => isRefused).length;
  return [...groups]
    .filter(([, group]) => group.refused > 0)
    .map(([name, group]) => {
      const others = { refused: refused - group.refused, arrived: work.length - group.arrived };
      return { name, ...group, sigma: sigmaOf(group, others) };
    })
    .sort((a, b) => b.sigma - a.sigma || b.refused - a.refused || (a.name < b.name ? -1 : 1))
    .slice(0, MOST_NAMED);
}

type Share = { readonly refused: number; readonly arrived: number };

/** Standard errors between the two shares under one common share; 0 where there is nobody to compare with, or no difference. */
function sigmaOf(group: Share, others: Share): number {
  if (others.arrived === 0) return 0;
  const common = (group.refused + others.refused) / (group.arrived + others.arrived);
  const error = Math.sqrt(common * (1 - common) * (1 / group.arrived + 1 / others.arrived));
  const difference = group.refused / group.arrived - others.refused / others.arrived;
  return error === 0 ? 0 : difference / error;
}
