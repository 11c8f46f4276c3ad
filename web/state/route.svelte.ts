export type View = "contribute" | "try" | "leaderboard" | "history" | "health" | "about";

/** Where in the page a visitor is: `#/history/digits/12`. */
export type Route = {
  readonly view: View;
  readonly model: string | null;
  readonly version: number | null;
};

export const VIEWS: readonly View[] = [
  "contribute",
  "try",
  "leaderboard",
  "history",
  "health",
  "about",
];

/** Read an address's hash; what is not understood is the first page. */
export function parseRoute(hash: string): Route {
  const [name, model, version] = hash.replace(/^#\/?/, "").split("/");
  const view = VIEWS.find((each) => each === name) ?? "contribute";
  return {
    view,
    model: model !== undefined && /^[a-z][a-z0-9-]{0,31}$/.test(model) ? model : null,
    version: version !== undefined && /^\d{1,9}$/.test(version) ? Number(version) : null,
  };
}

export function routeHash(view: View, model: string | null, version?: number): string {
  const parts = [view === "contribute" && model === null ? "" : view];
  if (model !== null) parts.push(model);
  if (model !== null && version !== undefined) parts.push(String(version));
  return `#/${parts.join("/")}`;
}

/** The route of `window`, following its address. */
export function createRoute(window: Window): { readonly current: Route } {
  let current = $state.raw(parseRoute(window.location.hash));
  window.addEventListener("hashchange", () => {
    current = parseRoute(window.location.hash);
  });
  return {
    get current() {
      return current;
    },
  };
}
