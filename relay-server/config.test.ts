import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseConfig } from "./config.ts";

test("every setting has a default", () => {
  expect(parseConfig({})).toMatchObject({ port: 8787, dataDir: "./data", trustProxy: 0 });
});

test("a setting that makes no sense is named in one sentence", () => {
  const bad = {
    PORT: "80 80",
    TRUST_PROXY: "yes",
    BLOB_URL: "cdn",
    KEYFRAME_EVERY: "0",
    ICE_SERVERS: "stun:x",
  };
  for (const [name, value] of Object.entries(bad)) {
    expect(() => parseConfig({ [name]: value })).toThrow(
      new RegExp(`^${name} is "${value}", but .*\\.$`),
    );
  }
});

test("no ICE server is a relay's own choice, and none may be a TURN server, which would carry the chunks", () => {
  expect(parseConfig({}).iceServers).toEqual([]);
  const stun = [{ urls: "stun:stun.example.org:3478" }];
  expect(parseConfig({ ICE_SERVERS: JSON.stringify(stun) }).iceServers).toEqual(stun);
  const turn = '[{"urls": "turn:turn.example.org", "username": "a", "credential": "b"}]';
  expect(() => parseConfig({ ICE_SERVERS: turn })).toThrow(/TURN servers are not used/);
});

test("a store is SQLite or a PostgreSQL database, and no password is quoted", () => {
  const store = "postgres://relay:secret@localhost/commonweight";
  expect(parseConfig({}).store).toBe("");
  expect(parseConfig({ STORE: store }).store).toBe(store);
  for (const STORE of ["mysql://relay:secret@localhost", "postgres://relay:secret@two words"]) {
    expect(() => parseConfig({ STORE })).toThrow(/^STORE is not the address (?!.*secret).*\.$/);
  }
});

test("files lie in DATA_DIR or in a bucket, and no secret is quoted", () => {
  const key = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret" };
  const at = (environment: Record<string, string>) => parseConfig(environment).content;
  expect(at({})).toBeNull();
  expect(at({ CONTENT: "s3://models", ...key })).toMatchObject({
    url: "https://s3.us-east-1.amazonaws.com/models",
    region: "us-east-1",
  });
  const own = { AWS_ENDPOINT_URL_S3: "http://127.0.0.1:9000/", AWS_REGION: "garage" };
  expect(at({ CONTENT: "s3://models", ...key, ...own })).toMatchObject({
    url: "http://127.0.0.1:9000/models",
    region: "garage",
  });
  const wrong = [
    { CONTENT: "s3://Models", ...key },
    { CONTENT: "/models", ...key },
    { CONTENT: "s3://models" },
    { CONTENT: "s3://models", ...key, AWS_ENDPOINT_URL_S3: "s3.example.org" },
  ];
  for (const environment of wrong) {
    expect(() => at(environment)).toThrow(/^(CONTENT|AWS_ENDPOINT_URL_S3) (?!.*secret).*\.$/);
  }
});

test("alerts go to an address of the owner's: by https, or plainly to a private one, and no path is quoted", () => {
  const taken = [
    "https://example.org/secret",
    "http://127.0.0.1:9000/secret",
    "http://10.1.2.3/secret",
    "http://172.31.0.1/secret",
    "http://[::1]/secret",
    "http://[fd00::1]/secret",
    "http://localhost/secret",
    "http://receiver:9000/secret",
  ];
  for (const address of taken) {
    expect(parseConfig({ ALERT_WEBHOOK: address }).alertWebhook).toBe(address);
  }
  const refused = [
    "http://example.org/secret",
    "http://172.32.0.1/secret",
    "http://[2001:db8::1]/secret",
    "https://ada:secret@example.org/",
    "ftp://127.0.0.1/secret",
    "secret",
  ];
  for (const address of refused) {
    expect(() => parseConfig({ ALERT_WEBHOOK: address })).toThrow(
      /^ALERT_WEBHOOK (?!.*secret).*\.$/,
    );
  }
});

test("every setting is documented with its default", () => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
  const named = [...read("./config.ts").matchAll(/^ {2}\/\*\* ([A-Z_]+):/gm)].map(
    ([, name]) => name,
  );
  const rows = [...read("../docs/how-to/run-a-relay.md").matchAll(/^\| `([A-Z_]+)` \| (\S+) \|/gm)];
  expect(rows.map(([, name]) => name)).toEqual(named);
  const defaults: readonly unknown[] = Object.values(parseConfig({}));
  const told = rows.map(([, , value = ""]) => value.replaceAll("`", "").replace("empty", ""));
  expect(told).toEqual(defaults.map((value) => String(value ?? "")));
});
