/** What deploy/ ships fits the relay: its settings, ports, files and metrics; and the programs that read these files take them. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import { type Config, parseConfig } from "../../relay-server/config.ts";
import { ensureNginx } from "../../scripts/nginx.ts";
import { mainConfigOf } from "../fixtures/balancer.ts";
import { DEPLOY, readComposeFile } from "../fixtures/compose-file.ts";
import { startTestRelay } from "../fixtures/test-relay.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (name: string) => readFileSync(join(DEPLOY, name), "utf8");
const { services, volumes } = readComposeFile();
const RELAYS = ["relay-1", "relay-2"];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "commonweight-deploy-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** The relay's settings in an environment, which has nothing else in it. */
function settingsIn(environment: Readonly<Record<string, string>> = {}): Config {
  const asked = new Set<string>();
  const watched = new Proxy(environment, {
    get(target, name) {
      asked.add(String(name));
      return Reflect.get(target, name);
    },
  });
  const config = parseConfig(watched);
  expect(Object.keys(environment).filter((name) => !asked.has(name))).toEqual([]);
  return config;
}

/** The settings in `NAME=VALUE NAME=VALUE`, beside those of Node: the compile cache lies where the relay may write. */
function settingsOf(line = ""): Config {
  const pairs = line.split(" ").map((pair): [string, string] => {
    const [name = "", value = ""] = pair.split("=");
    return [name, value];
  });
  const { NODE_ENV, NODE_COMPILE_CACHE, ...settings } = Object.fromEntries(pairs);
  expect(NODE_ENV).toBe("production");
  expect(NODE_COMPILE_CACHE).toMatch(/^\/(tmp|var\/cache)\/commonweight$/);
  return settingsIn(settings);
}

test("deploy: the compose file's relays have the same settings, each of which a relay knows", () => {
  const relay = services["relay-1"]!;
  for (const name of RELAYS) expect(services[name]).toEqual(relay);
  expect(settingsIn(relay.environment)).toMatchObject({
    port: 8787,
    store: "postgres://commonweight:secret@postgres/commonweight",
    content: { url: "http://s3:8333/models", keyId: "commonweight", secret: "secret" },
    trustProxy: 1, // nginx stands in front
  });
  expect(relay.volumes).toEqual([`relay:${relay.environment?.DATA_DIR}`]);
  expect(services.postgres!.environment).toMatchObject({ POSTGRES_PASSWORD: "secret" });
});

test("deploy: the compose file asks for services, volumes and files that are there", () => {
  for (const [name, service] of Object.entries(services)) {
    const waited = service.depends_on ?? [];
    const conditions = Array.isArray(waited) ? [] : Object.entries(waited);
    for (const other of Array.isArray(waited) ? waited : Object.keys(waited)) {
      expect(Object.keys(services), name).toContain(other);
    }
    for (const [other, { condition }] of conditions) {
      const isHealth = condition === "service_healthy";
      expect(isHealth, `${name} waits for ${other}`).toBe(
        services[other]!.healthcheck !== undefined,
      );
    }
    for (const [from = ""] of service.volumes?.map((volume) => volume.split(":")) ?? []) {
      if (!from.startsWith("./")) expect(Object.keys(volumes), name).toContain(from);
      else if (from !== "./tls") expect(existsSync(join(DEPLOY, from)), from).toBe(true); // the owner's certificate
    }
  }
});

test("deploy: what containers are given is text, and the relays' health check is a program", () => {
  for (const [name, service] of Object.entries(services)) {
    const { environment = {}, command = [], entrypoint = [], healthcheck } = service;
    const given = [...Object.values(environment), ...command, ...entrypoint];
    const isText = [...given, ...(healthcheck?.test ?? [])].map((each) => typeof each === "string");
    expect(isText, name).not.toContain(false);
  }
  for (const name of RELAYS) {
    const [kind, program, flag, source] = services[name]!.healthcheck!.test;
    expect([kind, program, flag]).toEqual(["CMD", "node", "-e"]);
    execFileSync(process.execPath, ["--check", "-"], { input: source });
  }
});

test("deploy: every image of others is named with its version", () => {
  const images = Object.values(services).map(({ image }) => image);
  expect(images.filter((image) => !/:v?\d+\.?\d*/.test(image))).toEqual([
    "commonweight",
    "commonweight",
  ]);
});

test("deploy: nginx and Prometheus ask every relay at its port", () => {
  const { port } = settingsIn(services["relay-1"]!.environment);
  const addresses = RELAYS.map((name) => `${name}:${port}`);
  const listed = read("nginx/upstream.conf").matchAll(/^ {2}server (\S+)/gm);
  expect([...listed].map(([, address]) => address)).toEqual(addresses);
  const { scrape_configs, rule_files } = parse(read("prometheus/prometheus.yml"));
  expect(scrape_configs[0].static_configs).toEqual([{ targets: addresses }]);
  expect(rule_files).toEqual(["rules/*.yml"]);
});

test("deploy: the image starts a file that is there, with settings that a relay knows", () => {
  const image = read("Dockerfile");
  const [program, script] = JSON.parse(/^CMD (.*)$/m.exec(image)?.[1] ?? "[]");
  expect([program, existsSync(join(ROOT, script))]).toEqual(["node", true]);
  const { port, dataDir } = settingsOf(/^ENV (.*)$/m.exec(image)?.[1]);
  expect(image).toContain(`EXPOSE ${port}\n`);
  expect(image).toContain(`VOLUME ${dataDir}\n`);
  expect(dataDir).toBe(services["relay-1"]!.environment?.DATA_DIR);
});

test("deploy: systemd takes the unit, which starts a file that is there with settings that a relay knows", () => {
  const unit = read("commonweight.service");
  const { dataDir } = settingsOf(/^Environment=(.*)$/m.exec(unit)?.[1]);
  expect(unit).toContain(`StateDirectory=${dataDir.replace("/var/lib/", "")}\n`);
  const [, script] = /^ExecStart=\S+ (\S+)$/m.exec(unit) ?? [];
  expect(existsSync(join(ROOT, script!))).toBe(true);
  const path = join(folder, "commonweight.service");
  writeFileSync(path, unit.replaceAll("/opt/commonweight/", ROOT));
  const verified = spawnSync("systemd-analyze", ["verify", path], { encoding: "utf8" });
  if (verified.error === undefined) expect([verified.status, verified.stderr]).toEqual([0, ""]);
  else console.warn("systemd is not installed: nobody says what it thinks of the unit.");
});

test("deploy: each metric of the dashboard and of Prometheus' rules is one of a relay's", async () => {
  const relay = await startTestRelay({ seed: "metrics" });
  const metrics = await (await relay.ask("/metrics")).text();
  await relay.remove();
  const known = [...metrics.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
  const { panels } = JSON.parse(read("grafana/dashboards/commonweight.json"));
  const shown = panels.flatMap(({ targets }: { targets: { expr: string }[] }) => targets);
  const rules = readdirSync(join(DEPLOY, "prometheus/rules")).flatMap((name) =>
    parse(read(`prometheus/rules/${name}`)).groups.flatMap(
      (group: { rules: object[] }) => group.rules,
    ),
  );
  const expressions = [...shown, ...rules].map(({ expr }: { expr: string }) => expr);
  const named = expressions.flatMap((expression) => expression.match(/commonweight_\w+/g) ?? []);
  expect(new Set(named).size).toBeGreaterThan(10);
  for (const name of named) expect(known).toContain(name);
});

test.each(["plain", "tls"])("deploy: nginx takes the %s site", (site) => {
  cpSync(join(DEPLOY, "nginx"), join(folder, "commonweight"), { recursive: true });
  const upstream = join(folder, "commonweight/upstream.conf");
  writeFileSync(upstream, readFileSync(upstream, "utf8").replace(/relay-\d:/g, "127.0.0.1:")); // names of other machines
  mkdirSync(join(folder, "tls"));
  const [key, certificate] = ["privkey", "fullchain"].map((name) =>
    join(folder, `tls/${name}.pem`),
  );
  const ofAMinute = [
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-subj",
    "/CN=localhost",
    "-days",
    "1",
  ];
  execFileSync("openssl", ["req", ...ofAMinute, "-keyout", key!, "-out", certificate!], {
    stdio: "ignore",
  });
  const config = join(folder, "nginx.conf");
  writeFileSync(config, mainConfigOf(folder, `commonweight/${site}.conf`));
  const { status, stderr } = spawnSync(ensureNginx(), ["-t", "-c", config], { encoding: "utf8" });
  expect(stderr).toContain("test is successful");
  expect(status).toBe(0);
});
