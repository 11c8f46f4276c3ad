import { REJECT_CODES, type RejectCode } from "../../core/protocol/reject-codes.ts";

/** Each code for people who never read the protocol: what happened, and what it means for them. */
const WORDS: Record<RejectCode, string> = {
  malformed: "The relay could not read the patch.",
  "hash-mismatch": "The patch was damaged on its way.",
  "signature-invalid": "The patch's signature did not match its key.",
  "clock-skew": "This device's clock is off by more than five minutes.",
  banned: "A maintainer of the relay takes no work of this browser's key any more.",
  "judge-unknown": "This key judges for nobody here.",
  "job-unknown": "This job was given to somebody else.",
  "model-unknown": "The relay no longer has this model.",
  "version-unknown": "The relay no longer has this version.",
  "blob-unknown": "A file that this piece needs is gone from the relay.",
  "contribution-unknown": "The relay does not know this patch.",
  "peer-unknown": "This browser is not connected to the relay's meeting point for volunteers.",
  "download-unknown": "This version cannot be had in this format.",
  "tag-unknown": "The model has no release of this number.",
  "suite-unknown": "The relay does not know this suite.",
  "proposal-unknown": "Nobody proposed this patch.",
  "proposal-decided": "A maintainer decided about this proposal before.",
  "proposals-full": "As many proposals wait as can wait.",
  "already-contributed": "The relay has this patch already.",
  "fork-foreign": "The patch was made for a fork of another model.",
  "base-unknown": "The patch was made on a version that this model does not have.",
  "suite-taken": "Another suite of the model has this name.",
  "suite-decided": "A maintainer decided about this suite before.",
  "suites-full": "The model has as many suites as it can have.",
  "suite-unfit": "The suite cannot show what it is meant to show.",
  "list-unknown": "Volunteers no longer share this version among themselves.",
  "addition-unknown": "The relay does not know of this model's upload.",
  "route-unknown": "This page and the relay do not understand each other.",
  "not-merged": "The patch is not part of the model.",
  "already-reverted": "The patch was taken out of the model before.",
  "already-retired": "The model was retired before.",
  "not-retired": "The model is not retired.",
  retired: "A maintainer retired this model while the piece was made.",
  "recipe-fixed": "This part of a model never changes.",
  "recipe-overtaken": "Somebody else changed the model's recipe meanwhile.",
  "recipe-changed":
    "A maintainer changed how this model is trained while the piece was made. New work is made the new way.",
  "model-taken": "The relay has a model of that name.",
  "name-invalid": "That is not a name.",
  "name-taken": "Somebody has this name, or one that looks like it.",
  "name-blanked": "A maintainer took this key's name away, and lets it choose none for now.",
  "name-late": "A newer name was chosen meanwhile.",
  "tag-taken": "That tag names a version already.",
  "tag-lower": "The last release has a higher number.",
  "tag-unproven": "No test shows that the version is as good as the last release.",
  stale: "The model moved on while this piece was made; newer work took its place.",
  "too-large": "The patch is larger than the relay accepts.",
  "range-unsatisfiable": "The relay could not continue a download.",
  "ticket-unknown": "The relay does not know the ticket of this piece.",
  "ticket-expired": "The piece took longer than its ticket allowed.",
  "ticket-used": "A patch for this ticket had already arrived.",
  "ticket-foreign": "The ticket was made out to another key.",
  "ticket-mismatch": "The patch does not match the ticket it was made for.",
  "no-effect": "The patch changes nothing.",
  "norm-too-large": "The patch changes the model far more than other people's work.",
  copied: "The patch equals one that somebody else sent.",
  unrelated: "The relay trained on the same version itself, and this patch points somewhere else.",
  "spot-check-failed":
    "The relay trained this piece a second time and got something else, so the patch is not counted.",
  "mask-mismatch":
    "The relay chose this piece's positions a second time and came to others, so the patch is not counted.",
  harmful: "On hidden examples the patch made the model worse.",
  "judging-failed":
    "The relay failed at judging this patch again and again. That is no fault of yours; a maintainer sees why.",
  "no-gain":
    "There is nothing to gain with this patch any more: others have mended what it was to mend. Nothing is wrong with it.",
  "gate-failed":
    "The merge that contained this patch failed its test, and this patch was the cause.",
  outdated: "This page is older than the relay allows.",
  "rate-limited": "The relay asks this browser to slow down.",
  internal: "The relay made a mistake of its own.",
  unavailable: "The relay is busy.",
  "storage-full": "The relay's disk is full.",
};

/** Why a piece was refused; codes of a newer relay fall back to its own `message`. */
export function refusalWords(code: string, message: string): string {
  return isRejectCode(code) ? WORDS[code] : message;
}

const isRejectCode = (code: string): code is RejectCode => Object.hasOwn(REJECT_CODES, code);
