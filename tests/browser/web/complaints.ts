/** What axe complains of on the page as it stands. */
import axeSource from "axe-core/axe.min.js?raw";

type Axe = {
  run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
};

/** Each complaint with the element that it is about. */
export async function axeComplaints(): Promise<string[]> {
  const script = document.createElement("script"); // axe is a script, and no module
  script.textContent = axeSource;
  document.head.append(script);
  script.remove();
  const { axe } = window as unknown as { axe: Axe };
  const { violations } = await axe.run();
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}
