const TICK_MS = 5_000; // ages are shown in seconds only below a minute and a half

/** The time in ms, fresh to a few seconds, for ages on the page. */
export function createClock(): { readonly nowMs: number } {
  let nowMs = $state(Date.now());
  setInterval(() => {
    nowMs = Date.now();
  }, TICK_MS);
  return {
    get nowMs() {
      return nowMs;
    },
  };
}
