import { verifyId } from "../../core/crypto/signature.ts";
import { decodeProposal, forkNameOf, forkProblem } from "../../core/history/proposal.ts";
import { openPatch } from "../../core/patch/patch.ts";
import { encodeCanonical, parseJson } from "../../core/protocol/canonical-json.ts";
import { type RejectCode, refuse, type Verdict } from "../../core/protocol/reject-codes.ts";
import type { PatchHeader } from "../../core/protocol/schemas/contribution.ts";
import { mask as maskSchema } from "../../core/protocol/schemas/mask.ts";
import type { ProposalLife } from "../../core/protocol/schemas/proposal.ts";
import type { SignedVersion } from "../../core/protocol/schemas/version.ts";
import type { MaskCache } from "../content/masks.ts";
import type { RelayContext, ServedModel } from "../context.ts";
import { proposalLifeOf } from "../store/sql/proposals.ts";
import type { ModelRow, VersionRow } from "../store/tables.ts";
import { fitsMask, validateRetirement, validateStaleness } from "./rules.ts";
import { createClips, hashOf, readWork } from "./work.ts";

/** A proposal's file as it came, and the signature of the patch's author. */
export type ProposalDelivery = {
  readonly model: string;
  /** What the sender says that the patch hashes to. */
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly signature: string;
};

export type ProposalReceipt =
  | { readonly kind: "created" | "known"; readonly life: ProposalLife }
  | { readonly kind: "refused"; readonly code: RejectCode; readonly message: string };

type ProposalContext = Pick<
  RelayContext,
  "history" | "contributions" | "people" | "models" | "clock" | "identity"
>;
type No = Verdict & { ok: false };

export const PROPOSAL_WORDS = {
  "already-contributed": "this relay has that contribution already",
  copied: "the same values were contributed before",
  "proposals-full":
    "as many proposals as can wait are waiting: a maintainer decides about them first",
  "proposal-decided": "this proposal does not wait any more: look at its state",
} as const;

/**
 * Keep what somebody offers from a fork until a maintainer decides (protocol K2), from the cheap rule to the dear one. Idempotent
 * by the contribution's id; broken bytes are a FormatError. It counts for nobody's key: who sends it need not be its author, whose signature is public.
 */
export async function takeProposal(
  context: ProposalContext,
  positionsOf: MaskCache,
  { model, id, bytes, signature }: ProposalDelivery,
): Promise<ProposalReceipt> {
  const { contributions, people, history, models, clock } = context;
  const { fork, patch } = decodeProposal(bytes);
  if (hashOf(patch) !== id) {
    return refusal(refuse("hash-mismatch", `these ${patch.length} bytes have another SHA-256`));
  }
  const opened = openPatch(patch);
  const { header } = opened;
  const { contributor } = header;
  if (!(await verifyId("contribution", id, signature, contributor))) {
    const message = "the patch is not signed by the contributor that it names";
    return refusal(refuse("signature-invalid", message));
  }
  const known = await contributions.proposal(model, id, clock());
  if (known !== undefined) return { kind: "known", life: proposalLifeOf(known) };
  const ban = await people.banReason(contributor);
  if (ban !== undefined) return refusal(refuse("banned", ban));
  const served = models.get(model);
  const row = served && (await history.model(model));
  if (served === undefined || row === undefined) {
    return refusal(refuse("model-unknown", "this relay has no model of that name"));
  }
  const base = await baseOf(context, row, fork, header);
  if ("code" in base) return refusal(base);
  const fit = fitOf(header, { served, row, base });
  if (!fit.ok) return refusal(fit);
  const clipNorm = await createClips(contributions)(served.recipe, row.head);
  const work = await readWork(positionsOf, served, opened, clipNorm);
  if (!work.ok) return refusal(work);
  const outcome = await contributions.propose({
    id,
    model,
    contributor,
    signature,
    fork: JSON.stringify(await forkNameOf(fork)),
    record: encodeCanonical(fork.record),
    base: base.number,
    examples: header.examples,
    size_bytes: patch.length,
    values_hash: work.valuesHash,
    norm: work.norm,
    bytes: patch,
    state: "waiting",
    message: null,
    proposed_at: clock(),
    decided_at: null,
  });
  if (outcome.kind === "refused") return { ...outcome, message: PROPOSAL_WORDS[outcome.code] };
  return { kind: outcome.kind, life: proposalLifeOf(outcome.row) };
}

/** The version of this model that the fork began as, and that the patch was trained on (protocol K3). */
async function baseOf(
  { history, identity }: Pick<ProposalContext, "history" | "identity">,
  { id: model }: ModelRow,
  fork: SignedVersion,
  { base, model: trained }: PatchHeader,
): Promise<VersionRow | No> {
  const upstream = fork.record.lineage?.[0];
  if (upstream?.relayKey !== identity.publicKey || upstream.model !== model) {
    const from = upstream === undefined ? "nothing" : `${upstream.model} of ${upstream.relayKey}`;
    return refuse("fork-foreign", `this is no fork of ${model} here: it began as ${from}`);
  }
  const version = await history.versionById(model, upstream.id);
  if (version === undefined) {
    const message = `${model} has no version ${upstream.id}, which the fork says that it began as`;
    return refuse("base-unknown", message);
  }
  const name = await forkNameOf(fork);
  if (base !== name.version || trained !== name.model) {
    const message = `the patch was trained on ${base} of ${trained}: only work on a fork's version 0 has a base that ${model} has`;
    return refuse("base-unknown", message);
  }
  const { checkpoint } = version;
  const problem = await forkProblem(fork.record, name, { id: version.id, record: { checkpoint } });
  return problem === null ? version : refuse("fork-foreign", problem);
}

/** Whether work on `base` is of the kind that the model takes now. */
function fitOf(
  { mask, examples }: PatchHeader,
  {
    served,
    row,
    base,
  }: { readonly served: ServedModel; readonly row: ModelRow; readonly base: VersionRow },
): Verdict {
  const isOpen = validateRetirement(row.retired);
  if (!isOpen.ok) return isOpen;
  const { merge, training } = served.recipe;
  const present = validateStaleness(base.number, row.head, merge.stalenessLimit);
  if (!present.ok) return present;
  const own = parseJson("mask", maskSchema, new TextEncoder().encode(base.mask));
  if (!fitsMask(mask, own)) {
    return refuse("mask-mismatch", `the mask is not that of version ${base.number}`);
  }
  const most = training.steps * training.batch;
  if (examples <= most) return present;
  const message = `${examples} examples, and a piece of this model has ${most} at most: they are its credit`;
  return refuse("ticket-mismatch", message);
}

function refusal({ code, message }: No): ProposalReceipt {
  return { kind: "refused", code, message };
}
