// Runs on any Node, before a file that older ones cannot parse.
const NEEDED = 24; // the first long-term release that runs TypeScript by itself
const major = Number(process.versions.node.split(".")[0]);
if (major < NEEDED) {
  console.error(
    `Commonweight needs Node ${NEEDED} or later and this is ${process.versions.node}. On Linux "npm ci" brings it; elsewhere install it from nodejs.org.`,
  );
  process.exit(1);
}
