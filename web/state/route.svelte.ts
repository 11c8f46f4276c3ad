export type View =
  | "contribute"
  | "try"
  | "model"
  | "leaderboard"
  | "history"
  | "health"
  | "you"
  | "about"
  | "contributor";

/** Where in the page a visitor is: `#/history/digits/12`, `#/contributor/KEY/digits`. */
export type Route = {
  readonly view: View;
  readonly model: string | null;
  readonly version: number | null;
  /** Whose page it is; null on every other one. */
  readonly contributor: string | null;
};

/** The pages that every page links to. */
export const VIEWS: readonly View[] = [
  "contribute",
  "try",
  "model",
  "leaderboard",
  "history",
  "health",
  "you",
  "about",
];

/** The pages on which a maintainer who is signed in has something to decide. */
export const MAINTAINED_VIEWS: ReadonlySet<View> = new Set(["health", "history", "contributor"]);

/** What each page is called. */
export const VIEW_TITLES: Readonly<Record<View, string>> = {
  contribute: "Contribute",
  try: "Try it",
  model: "Model",
  leaderboard: "Leaderboard",
  history: "History",
  health: "Health",
  you: "You",
  about: "About",
  contributor: "Contributor",
};

/** Read an address's hash; what is not understood is the first page. */
export function parseRoute(hash: string): Route {
  const [name, ...parts] = hash.replace(/^#\/?/, "").split("/");
  const contributor = name === "contributor" ? (parts.shift() ?? "") : "";
  if (/^[0-9a-f]{64}$/.test(contributor)) {
    const { model } = parseRoute(`you/${parts[0] ?? ""}`);
    return { view: "contributor", model, version: null, contributor };
  }
  const [model, version] = parts;
  const view = VIEWS.find((each) => each === name) ?? "contribute";
  return {
    view,
    contributor: null,
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

/** The address of a contributor's page. */
export function contributorHash(contributor: string, model: string | null): string {
  return `#/contributor/${contributor}${model === null ? "" : `/${model}`}`;
}

/** The address of the page where the visitor is, for another model. */
export function modelHash({ view, contributor }: Route, model: string): string {
  return contributor === null ? routeHash(view, model) : contributorHash(contributor, model);
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
