import { isHubName } from "../../core/models/hub-name.ts";
import type { Deed } from "../../core/protocol/schemas/act.ts";
import { plural } from "./quantities.ts";

/** Where the trained model that a community began with can be read about; null for a file's name. */
export function basePage(base: string): string | null {
  return isHubName(base) ? `https://huggingface.co/${base}` : null;
}

/** What a maintainer did, for people. */
export function describeDeed(deed: Deed): string {
  switch (deed.kind) {
    case "retire":
      return "Retired the model";
    case "unretire":
      return "Took the model up again";
    case "recipe":
      return "Changed the recipe";
    case "release-key":
      return "Vouched for the key that signs releases";
    case "release":
      return `Released version ${deed.version.number} as ${deed.tag}`;
    case "unrelease":
      return `Took the release ${deed.tag} back`;
    case "accept-suite":
      return `Accepted the suite ${deed.name}`;
    case "withdraw-suite":
      return `Withdrew the suite ${deed.name}`;
    case "add-data":
      return `Added ${plural(deed.examples, "example")} of data: ${deed.source} (${deed.licence})`;
  }
}
