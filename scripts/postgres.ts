import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installFromDebian, mayInstallFromDebian } from "./debian.ts";

const DEBIAN = "/usr/lib/postgresql"; // a folder a version
const DEBIAN_SETTINGS = "/etc/postgresql-common";

/** The folder of PostgreSQL's programs, of which we need `initdb` and `postgres`; null where it is not installed. */
export function installedPostgres(): string | null {
  const versions = existsSync(DEBIAN)
    ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a))
    : [];
  const folders = [
    ...versions.map((version) => join(DEBIAN, version, "bin")),
    ...(process.env.PATH ?? "").split(":"),
  ];
  const has = (folder: string) =>
    ["initdb", "postgres"].every((name) => existsSync(join(folder, name)));
  return folders.find(has) ?? null;
}

/** Install Debian's PostgreSQL where there is none and we may; without it the tests of the ledger run on PGlite alone. */
export function ensurePostgres(): void {
  if (installedPostgres() !== null) return;
  if (mayInstallFromDebian()) {
    const settings = join(DEBIAN_SETTINGS, "createcluster.conf");
    if (!existsSync(settings)) {
      mkdirSync(DEBIAN_SETTINGS, { recursive: true });
      writeFileSync(settings, "create_main_cluster = false\n"); // the tests start servers of their own
    }
    installFromDebian("PostgreSQL", ["postgresql"]);
  }
  if (installedPostgres() === null) {
    console.error("PostgreSQL is not installed: the tests of the ledger run on PGlite alone.");
  }
}
