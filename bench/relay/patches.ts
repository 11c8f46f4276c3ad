import {
  generateKeyPair,
  type KeyPair,
  publicKeyHex,
  sha256,
  signId,
} from "../../core/crypto/signature.ts";
import { encodeHex } from "../../core/hex.ts";
import { layoutOf } from "../../core/models/registry.ts";
import { encodePatch } from "../../core/patch/patch.ts";
import { quantise, segmentStarts } from "../../core/patch/quantiser.ts";
import { randomPositions } from "../../core/patch/random-mask.ts";
import { SIGNATURE_HEADER, TICKET_HEADER } from "../../core/protocol/limits.ts";
import { routes } from "../../core/protocol/routes.ts";
import type { Mask } from "../../core/protocol/schemas/mask.ts";
import type { Ticket } from "../../core/protocol/schemas/ticket.ts";
import { createRandom } from "../../core/random.ts";
import { digits } from "../../models/digits/data.ts";
import { openSqliteLedger } from "../../relay-server/store/sqlite/open-ledger.ts";
import { requestOf } from "./load.ts";

const STEP = 0.01; // of the values, in ±: within what training moves them
const DAY_MS = 86_400_000;

export type Signer = { readonly keys: KeyPair; readonly contributor: string };

export async function createSigners(count: number): Promise<Signer[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const keys = await generateKeyPair(true);
      return { keys, contributor: await publicKeyHex(keys) };
    }),
  );
}

/**
 * Tickets that the relay gave out, written straight into its ledger while it rests: it gives out no more than it can judge,
 * and here only their use is measured.
 */
export async function writeTickets(
  ledgerPath: string,
  model: string,
  signers: readonly Signer[],
  count: number,
): Promise<Ticket[]> {
  const { ledger, close } = await openSqliteLedger(ledgerPath);
  const [base, all] = await Promise.all([
    ledger.history.version(model, 0),
    ledger.history.shards(model),
  ]);
  if (base === undefined) throw new Error(`no version 0 of ${model}`);
  const { training } = digits.recipe;
  const shards = all.slice(0, 4).map(({ position, sha256, size_bytes, examples, title }) => {
    return { index: position, sha256, sizeBytes: size_bytes, examples, title };
  });
  const issuedAt = Date.now();
  const mask: Mask = JSON.parse(base.mask);
  const tickets = Array.from(
    { length: count },
    (_, i): Ticket => ({
      format: "commonweight.ticket/1",
      id: encodeHex(crypto.getRandomValues(new Uint8Array(16))),
      model,
      contributor: signers[i % signers.length]!.contributor,
      base: { number: 0, id: base.id, checkpoint: base.checkpoint },
      ...{ mask, shards, seed: i, training, issuedAt, expiresAt: issuedAt + DAY_MS },
    }),
  );
  await Promise.all(
    tickets.map((ticket) => {
      const { id, contributor, expiresAt } = ticket;
      const row = { id, model, contributor, base: 0, ticket: JSON.stringify(ticket) };
      const times = { issued_at: issuedAt, expires_at: expiresAt, used: 0 };
      return ledger.tickets.issueTicket({ ...row, ...times }, [0]);
    }),
  );
  await close();
  return tickets;
}

/** For each ticket the request that hands in a patch: valid, signed, of random values on random positions. */
export async function patchRequests(
  tickets: readonly Ticket[],
  signers: readonly Signer[],
  seed: number,
): Promise<{ requests: Buffer[]; patchBytes: number }> {
  const layout = layoutOf(digits.recipe.architecture);
  const requests: Buffer[] = [];
  let patchBytes = 0;
  for (const [i, ticket] of tickets.entries()) {
    const { keys, contributor } = signers[i % signers.length]!;
    const random = createRandom(`${seed} ${i}`);
    const { mask, training } = ticket;
    const positions = randomPositions(
      encodeHex(new Uint8Array(16).fill(i % 8)),
      mask.count,
      layout.size,
    );
    const delta = Float32Array.from(positions, () => ((random.below(2001) - 1000) / 1000) * STEP);
    const header = {
      format: "commonweight.patch/1" as const,
      ...{ contributor, ticket: ticket.id, model: ticket.model, base: ticket.base.id, mask },
      shards: ticket.shards.map(({ index }) => index),
      steps: training.steps,
      examples: training.steps * training.batch,
      ...{ lossBefore: 1, lossAfter: 0.9, software: "bench", device: "bench" },
      licence: "CC0-1.0" as const,
    };
    const values = quantise(delta, segmentStarts(layout, positions));
    const bytes = encodePatch({ header, ...values, positions, fisher: null }, layout, null);
    const id = await sha256(bytes);
    const signature = await signId("contribution", id, keys.privateKey);
    const headers = { [SIGNATURE_HEADER]: signature, [TICKET_HEADER]: ticket.id };
    requests.push(requestOf("PUT", routes.contribution(id), headers, bytes));
    patchBytes = bytes.length;
  }
  return { requests, patchBytes };
}
