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

/** Counts things, or what they weigh, by network: with room for `most` a network and `NETWORKS_A_SITE` times as much a site. */
export function createNetworkCounter(most: number) {
  const networks = createCounter(most);
  const sites = createCounter(NETWORKS_A_SITE * most);
  return {
    /** One more, or so much; false if there is no room. */
    add(network: string, count = 1): boolean {
      const site = siteOf(network);
      if (site !== null && !sites.add(site, count)) return false;
      if (networks.add(network, count)) return true;
      if (site !== null) sites.remove(site, count);
      return false;
    },
    /** One less. */
    remove(network: string): void {
      const site = siteOf(network);
      if (site !== null) sites.remove(site, 1);
      networks.remove(network, 1);
    },
  };
}

/** Counts things by name, with room for `most` a name. */
function createCounter(most: number) {
  const counts = new Map<string, number>();
  return {
    /** So many more; false if there is no room. */
    add(name: string, count: number): boolean {
      const sum = (counts.get(name) ?? 0) + count;
      if (sum > most) return false;
      counts.set(name, sum);
      return true;
    },
    remove(name: string, count: number): void {
      const left = (counts.get(name) ?? 0) - count;
      if (left > 0) counts.set(name, left);
      else counts.delete(name);
    },
  };
}
