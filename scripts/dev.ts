/** `npm run dev`: the relay, restarted on changes, and Vite with hot reload, in one terminal. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createServer } from "vite";
import { ROOT } from "../cli/page-build.ts";

const relay = spawn(
  process.execPath,
  ["--watch", "--watch-preserve-output", join(ROOT, "scripts/serve.ts")],
  {
    cwd: ROOT,
    stdio: "inherit",
  },
);
const page = await createServer({ root: ROOT });
await page.listen();
page.printUrls();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, async () => {
    relay.kill(signal);
    await page.close();
    process.exit(0);
  });
}
