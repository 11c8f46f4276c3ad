import { type Platform, systemPlatform } from "./platform.ts";

/** The platform of a browser, which knows when it is on a network again. */
export const browserPlatform: Platform = {
  ...systemPlatform,
  onOnline(wake) {
    addEventListener("online", wake);
    return () => removeEventListener("online", wake);
  },
};
