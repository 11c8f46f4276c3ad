#!/usr/bin/env node
// The installed command. Runs on any Node from 20 on, and hands over to the Node 24 that `npm ci` brings:
// older ones cannot run TypeScript.
require("./compile-cache.cjs");
const { spawn } = require("node:child_process");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");

const NEEDED = 24;
const main = join(__dirname, "main.ts");

if (Number(process.versions.node.split(".")[0]) >= NEEDED) {
  import(pathToFileURL(main));
} else {
  handOver(pinnedNode());
}

/** The path of the Node that package.json pins; without one for this machine it is one sentence and exit code 1. */
function pinnedNode() {
  const name = `node-${process.platform}-${process.arch}`;
  try {
    return require.resolve(`${name}/bin/node`);
  } catch {
    console.error(
      `commonweight needs Node ${NEEDED} or later and this is ${process.versions.node}. On Linux "npm ci" brings it; elsewhere install it from nodejs.org.`,
    );
    process.exit(1);
  }
}

function handOver(node) {
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      // a terminal sends Ctrl-C to both; a second one would end the child in the middle
      if (signal === "SIGTERM" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
