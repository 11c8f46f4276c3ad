import { afterEach, expect, test } from "vitest";
import { sha256 as hash } from "../../core/crypto/signature.ts";
import { createSwarmNet } from "../../tests/fixtures/swarm-net.ts";

let net: Awaited<ReturnType<typeof createSwarmNet>>;
afterEach(() => net.close());

/** Let the simulation's time pass. */
const pass = (ms: number) => net.until(net.platform.sleep(ms));

/** How long `work` takes, in the simulation's ms. */
async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const from = net.platform.steadyMs();
  await net.until(work());
  return net.platform.steadyMs() - from;
}

/** All chunks over HTTP alone, as a page loads them that shares nothing: six at once. */
async function overHttp(): Promise<void> {
  for (let first = 0; first < net.chunks.length; first += 6) {
    await Promise.all(net.chunks.slice(first, first + 6).map((chunk) => net.fetch(chunk)));
  }
}

async function expectAll(
  came: readonly Uint8Array<ArrayBuffer>[],
  wanted = net.chunks,
): Promise<void> {
  expect(await Promise.all(came.map(hash))).toEqual(wanted.map(({ sha256 }) => sha256));
}

test("X6: a newcomer gets at least four fifths of the chunks from two who have them, and the bytes are right", async () => {
  net = await createSwarmNet(20, { httpRate: 2000 });
  const [one, two] = [net.volunteer("one", net.all), net.volunteer("two", net.all)];
  await pass(1000);
  const three = net.volunteer("three");
  await expectAll(await net.until(three.load()));
  for (const { sha256 } of net.chunks) expect(three.store.has(sha256)).toBe(true);
  const { fromPeersBytes, fromRelayBytes } = three.last();
  expect(fromPeersBytes + fromRelayBytes).toBe(20 << 20);
  expect(fromPeersBytes).toBeGreaterThanOrEqual(16 << 20);
  await pass(100);
  expect(one.last().toPeersBytes + two.last().toPeersBytes).toBe(fromPeersBytes);
});

test("X6: newcomers who begin together give one another what came to one of them", async () => {
  net = await createSwarmNet(12, { httpRate: 500 });
  const seed = net.volunteer("seed", net.all);
  await pass(1000);
  const crowd = ["a", "b", "c", "d"].map((id) => net.volunteer(id));
  const loads = await net.until(Promise.all(crowd.map(({ load }) => load())));
  for (const came of loads) await expectAll(came);
  await pass(100);
  const given = crowd.map(({ last }) => last().toPeersBytes);
  expect(given.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(seed.last().toPeersBytes);
});

test("X6: a volunteer without others loads over HTTP at once, as fast as without a swarm", async () => {
  net = await createSwarmNet(12);
  const alone = net.volunteer("alone");
  await pass(1000);
  const withSwarm = await timeOf(() => alone.load());
  const without = await timeOf(overHttp);
  expect(withSwarm).toBeLessThanOrEqual(without * 1.1);
  expect(alone.last()).toMatchObject({ fromPeersBytes: 0, fromRelayBytes: 12 << 20, peers: [] });
});

const LINES = [
  { peers: "are quick", line: {} },
  { peers: "are slow", line: { rate: 20 } },
  { peers: "answer nothing", line: { hangs: true } },
  { peers: "can't be connected", line: { isDeaf: true } },
];
const LOADS = [
  { count: 60, httpRate: 1000 },
  { count: 20, httpRate: 12_500 }, // over in 1.7 s
  { count: 5, httpRate: 3000 },
];

test.each(LINES.flatMap((line) => LOADS.map((load) => ({ ...line, ...load }))))(
  "X6: where peers $peers, $count MiB take a tenth more than over HTTP alone, at most ($httpRate bytes a ms)",
  async ({ line, count, httpRate }) => {
    net = await createSwarmNet(count, { httpRate });
    for (const id of ["one", "two", "three"]) net.volunteer(id, net.all, line);
    await pass(1000);
    const newcomer = net.volunteer("newcomer");
    await pass(1000);
    const withPeers = await timeOf(async () => expectAll(await newcomer.load()));
    const without = await timeOf(overHttp);
    expect(withPeers).toBeLessThanOrEqual(without * 1.1);
  },
);

test("X6: of a chunk that a peer would end too late, the relay sends the rest, and no byte comes twice", async () => {
  net = await createSwarmNet(60, { httpRate: 1000 });
  for (const id of ["one", "two", "three"]) net.volunteer(id, net.all, { rate: 100 });
  await pass(1000);
  const newcomer = net.volunteer("newcomer");
  await expectAll(await net.until(newcomer.load()));
  const { fromPeersBytes, fromRelayBytes } = newcomer.last();
  expect(fromPeersBytes + fromRelayBytes).toBe(60 << 20);
  expect(net.relay.restBytes).toBeGreaterThan(0);
  expect((net.relay.served.length << 20) + net.relay.restBytes).toBe(fromRelayBytes);
});

test("X1: where eight peers are slow, others are sought beside them", async () => {
  net = await createSwarmNet(60, { httpRate: 1000 });
  for (let i = 0; i < 16; i++) net.volunteer(`slow${i}`, net.all, { rate: 20 });
  await pass(1000);
  const newcomer = net.volunteer("newcomer");
  await net.until(newcomer.load());
  expect(newcomer.last().peers.length).toBeGreaterThan(8);
});

test("X5: who sends a wrong byte is dropped and not met again, and nothing wrong is kept", async () => {
  net = await createSwarmNet(20, { httpRate: 1000 });
  net.volunteer("honest", net.all);
  const liar = net.volunteer("liar", net.all, { lies: true });
  await pass(1000);
  const newcomer = net.volunteer("newcomer");
  await expectAll(await net.until(newcomer.load()));
  for (const [sha256, bytes] of newcomer.store) expect(await hash(bytes)).toBe(sha256);
  const { wrongChunks, peers } = newcomer.last();
  expect(wrongChunks).toBe(1);
  expect(peers.map(({ name }) => name)).toEqual(["honest"]);
  expect(newcomer.last().fromPeersBytes).toBeGreaterThanOrEqual(16 << 20);
  liar.leave();
  net.volunteer("liar", net.all, { lies: true });
  await pass(120_000); // the relay names it again
  expect(newcomer.last().peers.map(({ name }) => name)).toEqual(["honest"]);
});

test("X6: a peer that vanishes in mid-chunk costs less than 2 s, against its never having been there", async () => {
  net = await createSwarmNet(20, { httpRate: 1000 });
  net.volunteer("two", net.all);
  await pass(1000);
  const without = await timeOf(net.volunteer("newcomer").load);
  net.close();

  net = await createSwarmNet(20, { httpRate: 1000 });
  const [one] = [net.volunteer("one", net.all), net.volunteer("two", net.all)];
  await pass(1000);
  const newcomer = net.volunteer("newcomer");
  void net.platform.sleep(700).then(one.leave); // its first chunk takes from 310 to 834
  const disturbed = await timeOf(async () => expectAll(await newcomer.load()));
  expect(disturbed).toBeLessThan(without + 2000);
  expect(newcomer.last().peers.map(({ name }) => name)).toEqual(["two"]);
});

/** A load from one peer that leaves when 195 KiB of its first chunk's 1,024 came, and what came of it. */
async function loadThatIsCut(line = {}) {
  const one = net.volunteer("one", net.all, { rate: 1000, ...line });
  await pass(1000);
  const newcomer = net.volunteer("newcomer");
  void net.platform.sleep(490).then(one.leave); // the chunk's first byte is sent at 270
  await expectAll(await net.until(newcomer.load()));
  return newcomer;
}

test("X4: of a chunk whose peer leaves in mid-chunk, the relay sends the rest alone", async () => {
  net = await createSwarmNet(20, { httpRate: 1000 });
  const { fromPeersBytes, fromRelayBytes, wrongChunks } = (await loadThatIsCut()).last();
  expect(fromPeersBytes).toBeGreaterThan(100 << 10);
  expect(fromPeersBytes + net.relay.restBytes).toBe(1 << 20);
  expect(fromPeersBytes + fromRelayBytes).toBe(20 << 20);
  expect([net.relay.served.length, wrongChunks]).toEqual([19, 0]);
});

test("X4: a liar that leaves in mid-chunk is found out by the whole chunk, and not met again", async () => {
  net = await createSwarmNet(20, { httpRate: 1000 });
  const newcomer = await loadThatIsCut({ lies: true });
  expect(newcomer.last()).toMatchObject({ wrongChunks: 1, fromPeersBytes: 0 });
  expect(net.relay.served).toHaveLength(20);
  net.volunteer("one", net.all);
  await pass(120_000); // the relay names it again
  expect(newcomer.last().peers).toEqual([]);
});

test.each(["wrong", "refused"] as const)(
  "X4: where the rest of a chunk is %s, the chunk comes whole, and no peer is blamed",
  async (rests) => {
    net = await createSwarmNet(20, { httpRate: 1000 });
    net.relay.rests = rests;
    const newcomer = await loadThatIsCut();
    expect(newcomer.last()).toMatchObject({ wrongChunks: 0, fromPeersBytes: 0 });
    expect(net.relay.served).toHaveLength(20);
  },
);

test("X6: with the relay away, peers finish what was begun", async () => {
  net = await createSwarmNet(12, { httpRate: 1000 });
  net.volunteer("one", net.all);
  await pass(1000);
  const newcomer = net.volunteer("newcomer");
  void net.platform.sleep(400).then(() => {
    net.relay.isAway = true;
  });
  await expectAll(await net.until(newcomer.load()));
  expect(newcomer.last().fromPeersBytes).toBe(12 << 20);
});

test("X6: with the relay away and a peer that answers nothing, the load fails as it does without a swarm", async () => {
  net = await createSwarmNet(2);
  net.volunteer("one", net.all, { hangs: true });
  await pass(1000);
  const newcomer = net.volunteer("newcomer");
  void net.platform.sleep(400).then(() => {
    net.relay.isAway = true;
  });
  await expect(net.until(newcomer.load())).rejects.toThrow("the relay is away");
});

test("X6: a load that is stopped ends at once", async () => {
  net = await createSwarmNet(20);
  net.volunteer("one", net.all, { rate: 100 });
  const newcomer = net.volunteer("newcomer");
  const stop = new AbortController();
  void net.platform.sleep(700).then(() => stop.abort(new Error("stopped")));
  await expect(net.until(newcomer.load(stop.signal))).rejects.toThrow("stopped");
  expect(net.platform.steadyMs()).toBe(700);
});

test("X7: nobody gives more than was given to them", async () => {
  net = await createSwarmNet(12, { httpRate: 100 });
  const one = net.volunteer("one", [0, 1, 2]);
  await pass(1000);
  for (const id of ["a", "b"]) await net.until(net.volunteer(id).load());
  await pass(1000);
  expect(one.last().toPeersBytes).toBe(3 << 20);
});

test("X7: what was kept from earlier visits is offered, and given as far as less went than came in all of them", async () => {
  net = await createSwarmNet(12, { httpRate: 100 });
  const before = { receivedBytes: 12 << 20, givenBytes: 3 << 20 };
  const one = net.volunteer("one", [], {}, before);
  for (const { sha256 } of net.chunks) one.store.set(sha256, net.blobs.get(sha256)!);
  await pass(1000);
  for (let piece = 0; piece < 3; piece++) one.swarm.offerKept(net.list, net.chunks);
  expect(one.swarm.hasOfferedKept("tiny")).toBe(true);
  await pass(1000);
  for (const id of ["a", "b", "c"]) {
    await net.until(net.volunteer(id).load());
    await pass(1000);
  }
  expect(one.last().toPeersBytes).toBe(9 << 20);
});

test("X7: a device gives 2 MiB a second after its first 4", async () => {
  net = await createSwarmNet(24, { httpRate: 1 });
  const one = net.volunteer("one", net.all, { rate: 1e6 });
  await pass(1000);
  const taker = net.volunteer("taker");
  void net.until(taker.load()).catch(() => {});
  await pass(6500);
  const mostSeconds = 6;
  expect(one.last().toPeersBytes).toBeLessThanOrEqual((4 << 20) + (2 << 20) * mostSeconds);
  expect(one.last().toPeersBytes).toBeGreaterThan((1 << 20) * mostSeconds);
});

test("X7: who trains on the processor is named to nobody, and gives nothing to those who are connected", async () => {
  net = await createSwarmNet(20, { httpRate: 500 });
  const line = { trains: true };
  const one = net.volunteer("one", net.all, line);
  await pass(1000);
  const before = net.volunteer("before");
  await net.until(before.load());
  expect(before.last()).toMatchObject({ fromPeersBytes: 0, tried: 0 });
  line.trains = false;
  await pass(60_000); // it tells the relay anew
  const newcomer = net.volunteer("newcomer");
  void net.platform.sleep(1000).then(() => {
    line.trains = true;
  });
  await expectAll(await net.until(newcomer.load()));
  await pass(100);
  const { toPeersBytes } = one.last();
  expect(toPeersBytes).toBeGreaterThan(0);
  expect(toPeersBytes).toBeLessThanOrEqual(4 << 20); // those that were asked for before
});

test("X7: a chunk that nobody was told of is not given, nor one that the store gave up", async () => {
  net = await createSwarmNet(3, { httpRate: 100 });
  const one = net.volunteer("one", [0, 1]);
  one.store.delete(net.chunks[1]!.sha256);
  await pass(1000);
  const taker = net.volunteer("taker");
  await pass(1000);
  await expectAll(await net.until(taker.load()));
  await pass(100);
  expect(one.last().toPeersBytes).toBe(1 << 20);
  expect(net.relay.served.toSorted()).toEqual([1, 2]);
});

/** The large steps of a crowd on the move, and how a volunteer loads them. */
const STEP_BYTES = [256 << 10, 3 << 20, 1 << 20];
const stepsOf = () => net.steps.flatMap(({ chunks }) => chunks);
const loadSteps = ({ load }: ReturnType<typeof net.volunteer>) => load(undefined, net.steps);
const withSteps = (name: string, steps: typeof net.steps, line = {}) =>
  net.volunteer(name, [], line, undefined, steps);

test("X9: who comes to a version after others has its steps from them, each from whoever has it", async () => {
  net = await createSwarmNet(1, { stepBytes: STEP_BYTES });
  withSteps("one", net.steps.slice(0, 2));
  withSteps("two", net.steps.slice(2));
  await pass(1000);
  const late = net.volunteer("late");
  await pass(1000);
  await expectAll(await net.until(loadSteps(late)), stepsOf());
  expect(net.relay.servedSteps).toEqual([]);
  expect(late.last()).toMatchObject({ fromPeersBytes: 4352 << 10, fromRelayBytes: 0 });
});

test("X9: who comes first to a version loads its steps from the relay at once, and gives them to the next", async () => {
  net = await createSwarmNet(1, { stepBytes: STEP_BYTES });
  const first = net.volunteer("first");
  const next = net.volunteer("next");
  await pass(1000);
  expect(await timeOf(() => loadSteps(first))).toBeLessThan(1000);
  expect(net.relay.servedSteps).toHaveLength(3);
  await pass(1000);
  await expectAll(await net.until(loadSteps(next)), stepsOf());
  expect(net.relay.servedSteps).toHaveLength(3);
});

test("X5, X9: a liar's step changes nothing: it is thrown away, and the relay sends the step", async () => {
  net = await createSwarmNet(1, { stepBytes: [1 << 20] });
  withSteps("liar", net.steps, { lies: true });
  await pass(1000);
  const honest = net.volunteer("honest");
  await pass(1000);
  await expectAll(await net.until(loadSteps(honest)), stepsOf());
  for (const [sha256, bytes] of honest.store) expect(await hash(bytes)).toBe(sha256);
  expect(net.relay.servedSteps).toHaveLength(1);
  expect(honest.last()).toMatchObject({ wrongChunks: 1, fromPeersBytes: 0, peers: [] });
});

test("X9: a fifth step makes the first one forgotten, and no keyframe", async () => {
  net = await createSwarmNet(1, {
    httpRate: 100,
    stepBytes: Array.from({ length: 5 }, (_, i) => 256 << (10 + (i % 2))),
  });
  net.volunteer("one", net.all, {}, undefined, net.steps);
  await pass(1000);
  const late = net.volunteer("late");
  await pass(1000);
  await expectAll(await net.until(loadSteps(late)), stepsOf());
  expect(net.relay.servedSteps).toEqual([net.steps[0]!.list.list]);
  await net.until(late.load());
  expect(net.relay.served).toEqual([]);
});

test("W7: what a volunteer has is told to the relay again before the relay forgets it", async () => {
  net = await createSwarmNet(1);
  net.volunteer("one", [0]);
  await pass(1000);
  const { asked } = net.relay;
  await pass(60_000);
  expect(net.relay.asked).toBeGreaterThan(asked);
});

test("W7: a relay that is back after a restart is told at once what a volunteer has", async () => {
  net = await createSwarmNet(2);
  net.volunteer("one", net.all);
  await pass(1000);
  const { asked } = net.relay;
  const { hear } = net.nodes.get("one")!;
  hear({ kind: "away" });
  await pass(1000);
  expect(net.relay.asked).toBe(asked);
  hear({ kind: "open", peer: "one", token: "secret" });
  await pass(100);
  expect(net.relay.asked).toBe(asked + 1);
});

test("X8: a volunteer who takes the yes back is met by nobody", async () => {
  net = await createSwarmNet(6);
  const [one, two] = [net.volunteer("one", net.all), net.volunteer("two", net.all)];
  await pass(1000);
  one.leave();
  two.leave();
  expect(one.last()).toBe(null);
  const newcomer = net.volunteer("newcomer");
  await expectAll(await net.until(newcomer.load()));
  expect(newcomer.last()).toMatchObject({ fromPeersBytes: 0, tried: 0 });
});
