import { assert } from "../../core/errors.ts";
import type { RelayClient } from "../../core/protocol/client.ts";
import type { Maintainer } from "../../core/protocol/maintainer-client.ts";
import type { MaintainerAct } from "./maintainer-act.ts";

/** Who maintains this relay from this browser. */
export type MaintainerDesk = ReturnType<typeof createMaintainerDesk>;

/**
 * The token goes to the relay once; what stays is a cookie that no script can read. `openClient` fetches the code that
 * talks of more than is looked at.
 */
export function createMaintainerDesk(openClient: () => Promise<RelayClient>) {
  const open = async () => (await openClient()).maintainer(null);
  let acts = $state.raw<Maintainer | null>(null);
  let name = $state<string | null>(null);
  let asked = $state.raw<MaintainerAct | null>(null);

  return {
    /** What may be done; asked for only where somebody is signed in. */
    get acts(): Maintainer {
      assert(acts !== null, "nobody is signed in");
      return acts;
    },
    /** Null while nobody is signed in. */
    get name() {
      return name;
    },
    /** The act whose dialog is open. */
    get asked() {
      return asked;
    },
    ask(act: MaintainerAct): void {
      asked = act;
    },
    close(): void {
      asked = null;
    },
    /** Ask the relay whether this browser is signed in. */
    async look(): Promise<void> {
      try {
        const found = await open();
        const { maintainer } = await found.session();
        acts = found;
        name = maintainer;
      } catch {
        // the relay is away, or an older one: who was signed in stays so until it says otherwise
      }
    },
    /** Throws a RelayError where the token is no maintainer's. */
    async signIn(token: string): Promise<void> {
      const client = await openClient();
      const { maintainer } = await client.maintainer(token.trim()).signIn();
      acts = client.maintainer(null);
      name = maintainer;
    },
    async signOut(): Promise<void> {
      await (await open()).signOut();
      name = null;
    },
  };
}
