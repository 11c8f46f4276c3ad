import { SocketAddress } from "node:net";
import ipaddr from "ipaddr.js";

const HOME_GROUPS = 4; // the first 64 bits: a home's line comes with the other 64

/**
 * What one party has of the network: an IPv4 address, or the first 64 bits of an IPv6 address. A port, brackets and a zone
 * say nothing of a party. Text that is no address is "unknown".
 */
export function networkOf(text: string): string {
  const address =
    ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text) ? text : addressOf(text);
  if (address === null || !ipaddr.isValid(address)) return "unknown";
  const parsed = ipaddr.process(address); // an IPv4 address that a socket for both kinds tells as IPv6 is itself again
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const home = parsed.parts.slice(0, HOME_GROUPS).map((part) => part.toString(16));
  return `${home.join(":")}::/64`;
}

/** The address of `address:port` or `[address]:port`; null if it is neither. */
function addressOf(text: string): string | null {
  return /[.\]]/.test(text) ? (SocketAddress.parse(text)?.address ?? null) : null;
}

export type Sender = {
  /** The request's `x-forwarded-for`. */
  readonly forwarded: string | undefined;
  /** The address at the other end of the line. */
  readonly socket: string | undefined;
};

/**
 * Where a request comes from: the address that the outermost of `hops` proxies in front saw, each of which adds one to
 * the list; the end of the line where there is no proxy or it says nothing.
 */
export function senderOf({ forwarded, socket }: Sender, hops: number): string {
  const seen = hops > 0 && forwarded !== undefined ? forwarded.split(",") : [];
  return networkOf((seen.at(-hops) ?? seen[0] ?? socket ?? "").trim());
}
