import type { MaintainerDesk } from "./maintainer.svelte.ts";
import type { Resource } from "./resource.svelte.ts";

const LOOK_MS = 15_000; // what people propose is no event, unlike what maintainers do

/**
 * Keep what people proposed fresh for a maintainer who decides about it; returns how to stop. Nothing is read while a dialog is
 * open: an effect that calls this reads anew once the dialog is closed.
 */
export function watchUndecided(
  desk: Pick<MaintainerDesk, "asked">,
  resource: Resource<unknown>,
): (() => void) | undefined {
  if (desk.asked !== null) return undefined;
  const stop = resource.watch();
  const timer = setInterval(() => void resource.refresh(), LOOK_MS);
  return () => {
    clearInterval(timer);
    stop();
  };
}
