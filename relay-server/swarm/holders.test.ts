import { expect, test } from "vitest";
import { decodeBitfield } from "../../core/swarm/bitfield.ts";
import { createHolderBook, type HoldingPeer, RENEW_WITHIN_MS } from "./holders.ts";

const ALL = decodeBitfield("ff", 8);
const NONE = decodeBitfield("", 8);
const LIST = { model: "tiny", list: "shards" };
const asker = peerOf("asker", "elsewhere");

function peerOf(peer: string, network: string): HoldingPeer {
  return { peer, network, token: `token-${peer}` };
}

/** A book whose clock stands, of which the peers in `gone` have hung up. */
function openBook(limits = { list: 1000, network: 100 }) {
  const stage = { now: 0, gone: new Set<string>() };
  const book = createHolderBook({
    clock: () => stage.now,
    seed: () => "seed",
    isPresent: ({ peer }) => !stage.gone.has(peer),
    limits,
  });
  const named = () =>
    book
      .choose(LIST, asker, ALL)
      .map(({ peer }) => peer)
      .sort();
  return { stage, book, named };
}

test("W6: named are holders of what is wanted, and never the asker", () => {
  const { book } = openBook();
  book.announce(LIST, asker, decodeBitfield("f0", 8));
  book.announce(LIST, peerOf("same", "a"), decodeBitfield("e0", 8));
  book.announce(LIST, peerOf("other", "a"), decodeBitfield("08", 8));
  book.announce({ ...LIST, list: "another" }, peerOf("elsewhere", "a"), ALL);
  expect(book.choose(LIST, asker, decodeBitfield("0f", 8))).toEqual([
    { peer: "other", have: decodeBitfield("08", 8) },
  ]);
});

test("W6: of forty holders of one network and three of others, eight are named, and the three among them", () => {
  const { book, named } = openBook();
  for (let i = 0; i < 40; i++) book.announce(LIST, peerOf(`crowd${i}`, "crowd"), ALL);
  for (const name of ["x", "y", "z"]) book.announce(LIST, peerOf(name, name), ALL);
  const names = named();
  expect(names).toHaveLength(8);
  expect(names).toEqual(expect.arrayContaining(["x", "y", "z"]));
});

test("W6: whom the relay names is drawn by lot, the same under the same seed", () => {
  const [one, other] = [openBook(), openBook()];
  for (const { book } of [one, other]) {
    for (let i = 0; i < 100; i++) book.announce(LIST, peerOf(`p${i}`, `n${i}`), ALL);
  }
  const first = one.named();
  expect(other.named()).toEqual(first);
  expect(one.named()).not.toEqual(first);
});

test("W6: an empty bitfield takes back what was offered", () => {
  const { book, named } = openBook();
  book.announce(LIST, peerOf("ada", "a"), ALL);
  expect(named()).toEqual(["ada"]);
  book.announce(LIST, peerOf("ada", "a"), NONE);
  expect(named()).toEqual([]);
});

test("W7: a holder that does not renew is forgotten, one that does is not", () => {
  const { stage, book, named } = openBook();
  for (const name of ["ada", "bob"]) book.announce(LIST, peerOf(name, name), ALL);
  stage.now += RENEW_WITHIN_MS - 1;
  book.announce(LIST, peerOf("bob", "bob"), ALL);
  stage.now += 1;
  expect(named()).toEqual(["bob"]);
});

test("W7: a holder that hangs up is not named any more", () => {
  const { stage, book, named } = openBook();
  for (const name of ["ada", "bob"]) book.announce(LIST, peerOf(name, name), ALL);
  stage.gone.add("ada");
  expect(named()).toEqual(["bob"]);
});

test("W7: a network that has its part of a list makes room in that part", () => {
  const { book, named } = openBook({ list: 10, network: 2 });
  book.announce(LIST, peerOf("honest", "home"), ALL);
  for (const name of ["a", "b", "c", "d"]) book.announce(LIST, peerOf(name, "crowd"), ALL);
  expect(named()).toEqual(["c", "d", "honest"]);
});

test("W7: a full list makes room in the part of the network that has most of it", () => {
  const { book, named } = openBook({ list: 4, network: 3 });
  for (const name of ["a", "b", "c"]) book.announce(LIST, peerOf(name, "crowd"), ALL);
  for (const name of ["x", "y"]) book.announce(LIST, peerOf(name, name), ALL);
  expect(named()).toEqual(["b", "c", "x", "y"]);
});

test("W7: a site has room like four networks of a list, and no more under other networks", () => {
  const { book, named } = openBook({ list: 100, network: 1 });
  book.announce(LIST, peerOf("honest", "home"), ALL);
  for (let n = 0; n < 6; n++) book.announce(LIST, peerOf(`p${n}`, `2001:db8:7:${n}::/64`), ALL);
  expect(named()).toEqual(["honest", "p2", "p3", "p4", "p5"]);
});

test("W7: a full list makes room in the part of the site that has most of it", () => {
  const { book, named } = openBook({ list: 4, network: 3 });
  for (let n = 0; n < 3; n++) book.announce(LIST, peerOf(`p${n}`, `2001:db8:7:${n}::/64`), ALL);
  for (const name of ["x", "y"]) book.announce(LIST, peerOf(name, name), ALL);
  expect(named()).toEqual(["p1", "p2", "x", "y"]);
});

test("W6: of forty networks of one site and four others, eight are named, and the four among them", () => {
  const { book, named } = openBook();
  for (let n = 0; n < 40; n++) book.announce(LIST, peerOf(`p${n}`, `2001:db8:7:${n}::/64`), ALL);
  for (const name of ["w", "x", "y", "z"]) book.announce(LIST, peerOf(name, name), ALL);
  expect(named()).toEqual(expect.arrayContaining(["w", "x", "y", "z"]));
});

test("W8: a peer that offers two lists of a model is one holder of it", () => {
  const { stage, book } = openBook();
  book.announce(LIST, peerOf("ada", "a"), ALL);
  book.announce({ ...LIST, list: "keyframe" }, peerOf("ada", "a"), ALL);
  book.announce(LIST, peerOf("bob", "b"), ALL);
  expect([book.count("tiny"), book.count("tin")]).toEqual([2, 0]);
  stage.gone.add("bob");
  expect(book.count("tiny")).toBe(1);
});
