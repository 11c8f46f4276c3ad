import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import { sha256 } from "../../core/crypto/signature.ts";
import { PROTOCOL_HEADER } from "../../core/protocol/limits.ts";
import type { RelayContext } from "../context.ts";
import { openMaintainerSession, SESSION_COOKIE } from "./maintainer-session.ts";
import { Refusal } from "./refusal.ts";

type MaintainerContext = Pick<RelayContext, "people" | "identity" | "clock">;

/** A maintainer by name, the hash of the token, and when the session ends that the request carries; null with the token itself. */
type SignedIn = {
  readonly name: string;
  readonly tokenHash: string;
  readonly until: number | null;
};

/** The name of the maintainer whose token or session the request carries; a Refusal if it carries none that is good. */
export async function maintainerOf(context: MaintainerContext, c: Context): Promise<string> {
  return (await requireSignedIn(context, c)).name;
}

/** The same in full. */
export async function requireSignedIn(context: MaintainerContext, c: Context): Promise<SignedIn> {
  const found = await signedIn(context, c);
  if (found !== null) return found;
  throw new Refusal("signature-invalid", "this needs a maintainer's token", {
    "www-authenticate": "Bearer",
  });
}

/** Null where nobody is. A token that was revoked ends its sessions. */
export async function signedIn(context: MaintainerContext, c: Context): Promise<SignedIn | null> {
  const claim = (await claimByToken(c)) ?? (await claimBySession(context, c));
  const name = claim && (await context.people.maintainer(claim.tokenHash));
  return claim && name ? { name, ...claim } : null;
}

type Claim = Omit<SignedIn, "name">;

async function claimByToken(c: Context): Promise<Claim | null> {
  const token = /^Bearer (\S{20,200})$/.exec(c.req.header("authorization") ?? "")?.[1];
  if (token === undefined) return null;
  return { tokenHash: await sha256(new TextEncoder().encode(token)), until: null };
}

/** Only with the page's own header, which no other site's page or form can send. */
async function claimBySession(
  { identity, clock }: MaintainerContext,
  c: Context,
): Promise<Claim | null> {
  const value = getCookie(c, SESSION_COOKIE);
  if (value === undefined || c.req.header(PROTOCOL_HEADER) === undefined) return null;
  return openMaintainerSession(value, identity, clock());
}
