/** The page's folder as a worker knows it, without the last slash: built, workers lie in a folder beside the page's. */
export const HOME = import.meta.env.DEV
  ? self.location.origin
  : new URL("..", self.location.href).href.replace(/\/$/, "");
