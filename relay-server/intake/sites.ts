/**
 * One party may have many networks: a provider gives an owner of servers, or a large house, the first 48 bits of IPv6
 * addresses, which are 65,536 networks (protocol H4). A mobile provider's customers share them, so a site has more than one.
 */
export const NETWORKS_A_SITE = 4;

/** The site of an IPv6 network as `networkOf` names it; null for an IPv4 address, which is its own. */
export function siteOf(network: string): string | null {
  if (!network.endsWith("::/64")) return null;
  return `${network.split(":", 3).join(":")}::/48`;
}
