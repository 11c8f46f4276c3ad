import { isIPv6 } from "node:net";

/**
 * What one party has of the network: an IPv4 address, or the first 64 bits of an IPv6 address, since a home's line comes
 * with 2^64 of those. What is no address stays as it is.
 */
export function networkOf(address: string): string {
  const [plain = ""] = address.split("%"); // a zone says which of our own interfaces
  if (!isIPv6(plain)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1]; // IPv4 as a socket for both tells it
  if (mapped !== undefined) return mapped;
  const [left = [], right = []] = plain.split("::").map(groupsOf);
  const zeros = plain.includes("::") ? Array<string>(8 - left.length - right.length).fill("0") : [];
  return `${[...left, ...zeros, ...right].slice(0, 4).join(":")}::/64`;
}

/** Where a request comes from: the last hop that the proxy in front saw, or the socket. */
export function senderOf(
  {
    forwarded,
    socket,
  }: { readonly forwarded: string | undefined; readonly socket?: string | undefined },
  trustProxy: boolean,
): string {
  const hop = trustProxy ? forwarded?.split(",").at(-1)?.trim() : undefined;
  return networkOf(hop ?? socket ?? "unknown");
}

/** The groups of half an address, without leading zeros; an IPv4 address at its end stands for two. */
function groupsOf(half: string): string[] {
  if (half === "") return [];
  return half
    .split(":")
    .flatMap((group) =>
      group.includes(".") ? ["0", "0"] : [Number.parseInt(group, 16).toString(16)],
    );
}
