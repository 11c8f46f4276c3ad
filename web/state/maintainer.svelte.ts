import type { RelayClient } from "../../core/protocol/client.ts";
import type { MaintainerAct } from "./maintainer-act.ts";

/** Who maintains this relay from this browser. */
export type MaintainerDesk = ReturnType<typeof createMaintainerDesk>;

/** The token goes to the relay once; what stays is a cookie that no script can read. */
export function createMaintainerDesk(client: RelayClient) {
  const acts = client.maintainer(null);
  let name = $state<string | null>(null);
  let asked = $state.raw<MaintainerAct | null>(null);

  return {
    acts,
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
      const session = await acts.session().catch(() => null); // the relay is away, or an older one
      if (session !== null) name = session.maintainer;
    },
    /** Throws a RelayError where the token is no maintainer's. */
    async signIn(token: string): Promise<void> {
      ({ maintainer: name } = await client.maintainer(token.trim()).signIn());
    },
    async signOut(): Promise<void> {
      await acts.signOut();
      name = null;
    },
  };
}
