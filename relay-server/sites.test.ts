import { expect, test } from "vitest";
import { networkOf } from "./doors/network-of.ts";
import { siteOf } from "./sites.ts";

test.each([
  ["2001:db8:5:6::1", "2001:db8:5::/48"],
  ["2001:db8::1", "2001:db8:0::/48"],
  ["::1", "0:0:0::/48"],
  ["192.0.2.7", null],
  ["no address", null],
])("H4: %s is of the site %s", (address, site) => {
  expect(siteOf(networkOf(address))).toBe(site);
});
