/** DESIGN §2: each room's tsconfig knows only the globals of the places that its code runs in. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Messages of the compiler for `source`, as if it were a file of `room`. */
function compile(room: string, source: string): string[] {
  const configPath = join(root, room, "tsconfig.json");
  const { config } = ts.readConfigFile(configPath, (path) => readFileSync(path, "utf8"));
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(configPath));
  const probe = join(root, room, "probe.ts");
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (path) => path === probe || fileExists(path);
  host.getSourceFile = (path, target) =>
    path === probe ? ts.createSourceFile(path, source, target) : getSourceFile(path, target);
  const ambient = fileNames.filter((name) => name.endsWith(".d.ts"));
  const program = ts.createProgram([probe, ...ambient], options, host);
  return program
    .getSemanticDiagnostics(program.getSourceFile(probe))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

const unknown: Record<string, readonly string[]> = {
  core: ["document", "process", "navigator", "localStorage", "fetch"],
  kernels: ["document", "process"],
  worker: ["document", "process"],
  "relay-server": ["document", "window"],
  web: ["process"],
};
const known: Record<string, readonly string[]> = {
  core: ["crypto", "TextEncoder"],
  worker: ["navigator", "indexedDB"],
  "relay-server": ["process"],
  web: ["document"],
};

const COMPILING_MS = 60_000; // the compiler reads a room's libraries anew for each name

for (const [room, globals] of Object.entries(unknown)) {
  test(`house: ${globals.join(", ")} do not compile in ${room}`, { timeout: COMPILING_MS }, () => {
    for (const name of globals) {
      const messages = compile(room, `export const x: unknown = ${name};\n`);
      expect(messages.join(), name).toMatch(/Cannot find name/);
    }
  });
}

for (const [room, globals] of Object.entries(known)) {
  test(`house: ${globals.join(", ")} compile in ${room}`, { timeout: COMPILING_MS }, () => {
    for (const name of globals) {
      expect(compile(room, `export const x: unknown = ${name};\n`), name).toEqual([]);
    }
  });
}
