import type { Plugin } from "vite";

/** The page begins with one script: a part of it among the lazy ones would not be there offline. */
export function wholeShell(): Plugin {
  return {
    name: "commonweight-whole-shell",
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== "chunk" || !file.isEntry || file.imports.length === 0) continue;
        this.error(
          `${file.fileName} needs ${file.imports.join(", ")}, which the service worker does not keep`,
        );
      }
    },
  };
}
