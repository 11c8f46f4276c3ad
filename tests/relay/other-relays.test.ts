/** What relays on one PostgreSQL database tell each other. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  joinOtherRelays,
  type Notice,
  type OtherRelays,
} from "../../relay-server/store/postgres/other-relays.ts";
import { eventually } from "../fixtures/eventually.ts";
import { hasPostgres, startPostgres, type TestPostgres } from "../fixtures/postgres.ts";

vi.setConfig({ testTimeout: 60_000 }); // a server starts, and starts again
if (!hasPostgres) console.warn("PostgreSQL is not installed: nothing of this file is tried.");

describe.runIf(hasPostgres)("relays on one database", () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  }, 60_000);
  afterAll(() => server.remove());

  async function join() {
    const others = await joinOtherRelays(server.url());
    await others.started();
    return others;
  }

  function hear(others: OtherRelays) {
    const heard: Notice[] = [];
    const missed = vi.fn();
    others.listen({ events() {}, hear: (notice) => heard.push(notice), miss: missed });
    return { heard, missed };
  }

  const spent = (name: string, cost = 1): Notice => ({ kind: "spent", by: "key", name, cost });

  test("H44: what one relay lets through the others hear, summed up, and it not itself", async () => {
    const [one, two] = [await join(), await join()];
    const [own, theirs] = [hear(one), hear(two)];
    for (const name of ["a", "b", "a"]) one.tell(spent(name));
    await eventually(() => expect(theirs.heard).toEqual([spent("a", 2), spent("b")]));
    two.tell({ kind: "work", model: "tiny" });
    await eventually(() => expect(own.heard).toEqual([{ kind: "work", model: "tiny" }]));
    await one.close();
    await two.close();
  });

  test("H44: more than fits into a message is told in several", async () => {
    const [one, two] = [await join(), await join()];
    const { heard } = hear(two);
    const names = Array.from({ length: 300 }, (_, n) => n.toString(16).padStart(64, "0"));
    for (const name of names) one.tell(spent(name));
    await eventually(() => expect(heard).toEqual(names.map((name) => spent(name))));
    await one.close();
    await two.close();
  });

  test("H44: a relay whose line was lost makes another, and knows that it may have missed something", async () => {
    const [one, two] = [await join(), await join()];
    const { heard, missed } = hear(two);
    expect(missed).toHaveBeenCalledTimes(1); // what was told before it listened
    await server.kill();
    one.tell(spent("lost"));
    await server.restart();
    await eventually(() => expect(missed).toHaveBeenCalledTimes(2));
    await eventually(() => {
      one.tell(spent("heard")); // until its own line is there again
      expect(heard).toContainEqual(expect.objectContaining({ name: "heard" }));
    });
    await one.close();
    await two.close();
  });

  test("H44: models are imported one after the other, and a relay that ends waits no more", async () => {
    const [one, two] = [await join(), await join()];
    const endFirst = await one.importTurn();
    let isTwos = false;
    const second = two.importTurn().then((end) => {
      isTwos = true;
      return end;
    });
    const ending = new AbortController();
    const third = two.importTurn(ending.signal);
    const asked = new pg.Client(server.url());
    await asked.connect();
    const waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted";
    await eventually(async () => expect((await asked.query(waiting)).rowCount).toBe(2));
    ending.abort();
    await expect(third).rejects.toThrow();
    expect(isTwos).toBe(false);
    endFirst();
    (await second)();
    await asked.end();
    await one.close();
    await two.close();
  });

  test("H44: relays start one after the other", async () => {
    const one = await joinOtherRelays(server.url());
    let isThere = false;
    const joining = joinOtherRelays(server.url()).then((two) => {
      isThere = true;
      return two;
    });
    const third = new pg.Client(server.url());
    await third.connect();
    const waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted";
    await eventually(async () => expect((await third.query(waiting)).rowCount).toBe(1));
    await third.end();
    expect(isThere).toBe(false);
    await one.started();
    const two = await joining;
    await two.close(); // one that ends in its start lets the next one start
    await (await join()).close();
    await one.close();
  });
});
