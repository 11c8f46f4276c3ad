/**
 * The relay that is measured: `node --expose-gc process.ts DATA_DIR`, with digits, and with digits under a mask so large that
 * a patch is 64 KB. It tells its parent its port once it answers, and its memory and processor time whenever it is asked.
 */
import { digits } from "../../models/digits/data.ts";
import { parseConfig } from "../../relay-server/config.ts";
import { startRelay } from "../../relay-server/wiring.ts";

const LARGE_DENSITY = 0.34;
const { recipe } = digits;
const large = { ...recipe, id: "large", mask: { ...recipe.mask, density: LARGE_DENSITY } };

const [, , dataDir = ""] = process.argv;
const plenty = { keyRequestsPerMinute: 1e6, addressRequestsPerMinute: 1e6 };
const relay = await startRelay({
  config: {
    ...parseConfig({ HOST: "127.0.0.1", ADDRESS_READS_PER_MINUTE: "100000000" }),
    ...{ port: 0, dataDir, addressStreams: 1e6, ...plenty },
  },
  sources: [digits, { ...digits, recipe: large }],
  clock: Date.now,
  random: (size) => crypto.getRandomValues(new Uint8Array(size)),
});
process.on("message", (what) => {
  if (what === "memory") {
    // the collection that gives back what is free, as V8 makes it when memory is short
    globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
    process.send?.({ rssBytes: process.memoryUsage.rss() });
  } else {
    const { user, system } = process.cpuUsage(); // microseconds
    process.send?.({ cpuMs: (user + system) / 1000 });
  }
});
process.send?.({ port: relay.port });
