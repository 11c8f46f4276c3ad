/** Scroll so that `element` is on the screen from its top on, if it is not already there as a whole. */
export function bringInSight(element: HTMLElement): void {
  const { top, bottom } = element.getBoundingClientRect();
  if (top >= 0 && bottom <= window.innerHeight) return;
  element.scrollIntoView({ block: "start" });
}
