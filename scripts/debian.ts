import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Whether this is a Debian whose packages we may install. */
export function mayInstallFromDebian(): boolean {
  return process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
}

/** Install `name` from these packages; switches of apt-get may stand among them. A failure is printed, and nothing is thrown. */
export function installFromDebian(name: string, packages: readonly string[]): void {
  console.error(`Installing ${name} from Debian's packages (about a minute) …`);
  runInstaller("apt-get", ["-qq", "update"]);
  runInstaller("apt-get", ["-qq", "install", "-y", ...packages]);
}

/** A failure is printed, and nothing is thrown. */
export function runInstaller(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status !== 0) console.error(`"${command} ${args.join(" ")}" ended with ${status}.`);
}
