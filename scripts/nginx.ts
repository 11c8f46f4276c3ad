import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const NGINX = "/usr/sbin/nginx";

/** Path of nginx, installing Debian's where there is none and we may; throws where it is not there even so. */
export function ensureNginx(): string {
  if (existsSync(NGINX)) return NGINX;
  if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    console.error("Installing nginx from Debian's packages …");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    for (const args of [["update"], ["install", "-y", "--no-install-recommends", "nginx-light"]]) {
      spawnSync("apt-get", ["-qq", ...args], { stdio: ["ignore", "ignore", "inherit"], env });
    }
  }
  if (existsSync(NGINX)) return NGINX;
  throw new Error("nginx is not installed: install Debian's nginx-light.");
}
