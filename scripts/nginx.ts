import { existsSync } from "node:fs";
import { installFromDebian, mayInstallFromDebian } from "./debian.ts";

const NGINX = "/usr/sbin/nginx";

/** Path of nginx, installing Debian's where there is none and we may; throws where it is not there even so. */
export function ensureNginx(): string {
  if (existsSync(NGINX)) return NGINX;
  if (mayInstallFromDebian()) {
    installFromDebian("nginx", ["--no-install-recommends", "nginx-light"]);
  }
  if (existsSync(NGINX)) return NGINX;
  throw new Error("nginx is not installed: install Debian's nginx-light.");
}
