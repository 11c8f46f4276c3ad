import type * as z from "zod/mini";
import { routes } from "../../core/protocol/routes.ts";
import { actList } from "../../core/protocol/schemas/act.ts";
import {
  additionChunk,
  additionRequest,
  additionStatus,
} from "../../core/protocol/schemas/addition.ts";
import {
  auditLog,
  banRequest,
  banStatus,
  maintainerSession,
  pauseRequest,
  recipeRequest,
  revertRequest,
  revertStatus,
  suiteRequest,
  tagRequest,
  unbanRequest,
  untagRequest,
} from "../../core/protocol/schemas/admin.ts";
import { checkpointPlan } from "../../core/protocol/schemas/checkpoint.ts";
import { cloth } from "../../core/protocol/schemas/cloth.ts";
import { contribution, contributionList } from "../../core/protocol/schemas/contribution.ts";
import {
  blankRequest,
  contributorCard,
  namedContributor,
  nameRequest,
} from "../../core/protocol/schemas/contributor.ts";
import {
  dismissalRequest,
  jobAnswer,
  jobRequest,
  judgeList,
  judgementReceipt,
  judgeRequest,
} from "../../core/protocol/schemas/judging.ts";
import {
  banPreview,
  modelPreview,
  revertAnswer,
  tagPreview,
} from "../../core/protocol/schemas/previews.ts";
import { refusedWork } from "../../core/protocol/schemas/refused-work.ts";
import {
  health,
  leaderboard,
  modelCard,
  modelHealth,
  modelList,
  shardLedger,
} from "../../core/protocol/schemas/status.ts";
import { suiteLife, suiteList } from "../../core/protocol/schemas/suite.ts";
import { holdersAnswer, holdersRequest } from "../../core/protocol/schemas/swarm.ts";
import { ticketAnswer, ticketRequest } from "../../core/protocol/schemas/ticket.ts";
import { signedVersion, versionList } from "../../core/protocol/schemas/version.ts";

/** A route as clients and the relay's limits know it; a handler for each is in `…-routes.ts` (a test compares). */
export type Operation = {
  readonly method: "get" | "post" | "put";
  readonly path: string;
  readonly summary: string;
  /** The JSON answer; without one it is bytes. */
  readonly answer?: z.ZodMiniType;
  readonly type?: string;
  readonly body?: z.ZodMiniType | "bytes";
  readonly query?: readonly string[];
  readonly signed?: true;
  readonly maintainer?: true;
  /**
   * What it takes of a network's share of reading (H32), a blob being 1. A GET without it takes 1; a POST that has it
   * changes nothing that lasts, and counts as reading too.
   */
  readonly cost?: number;
};

export const OPERATIONS: readonly Operation[] = [
  { method: "get", path: routes.health(), summary: "Status, heads and queues", answer: health },
  { method: "get", path: routes.models(), summary: "All models", answer: modelList },
  { method: "get", path: routes.model("{model}"), summary: "One model's card", answer: modelCard },
  {
    method: "get",
    path: routes.versions("{model}"),
    cost: 5,
    summary: "History, newest first",
    answer: versionList,
    query: ["before"],
  },
  {
    method: "get",
    path: routes.version("{model}", "{version}"),
    summary: "A signed version: a number, an id, a tag, or head",
    answer: signedVersion,
  },
  {
    method: "get",
    path: routes.checkpoint("{model}", "{version}"),
    cost: 5,
    summary: "How to build a checkpoint",
    answer: checkpointPlan,
    query: ["from"],
  },
  {
    method: "get",
    path: routes.exported("{model}", "{version}"),
    cost: 1000,
    summary: "A whole checkpoint as one safetensors file",
  },
  {
    method: "get",
    path: routes.download("{model}", "{version}", "{name}"),
    cost: 1000,
    summary: "A version as other tools load it, such as f16.gguf, or f32.zip for transformers",
  },
  {
    method: "get",
    path: routes.cloth("{model}", "{version}"),
    cost: 50,
    summary: "What a version's contributions touched, as a picture",
    answer: cloth,
  },
  {
    method: "get",
    path: routes.shards("{model}"),
    cost: 5,
    summary: "The shard ledger",
    answer: shardLedger,
  },
  {
    method: "get",
    path: routes.acts("{model}"),
    summary: "What maintainers decided about a model, signed, the first one first",
    answer: actList,
  },
  { method: "get", path: routes.blob("{sha256}"), summary: "Immutable bytes, also in ranges" },
  {
    method: "get",
    path: routes.suites("{model}"),
    cost: 5,
    summary: "Suites that people proposed, the newest first",
    answer: suiteList,
  },
  {
    method: "put",
    path: routes.suite("{id}"),
    summary: "Propose a suite; idempotent by its hash",
    body: "bytes",
    answer: suiteLife,
    signed: true,
  },
  {
    method: "get",
    path: routes.suite("{id}"),
    summary: "A suite, and what became of it",
    answer: suiteLife,
  },
  {
    method: "post",
    path: routes.tickets("{model}"),
    summary: "Ask for work",
    body: ticketRequest,
    answer: ticketAnswer,
    signed: true,
  },
  {
    method: "post",
    path: routes.holders("{model}"),
    cost: 5,
    summary: "Say which chunks a peer has, and hear who has others",
    body: holdersRequest,
    answer: holdersAnswer,
  },
  {
    method: "put",
    path: routes.contribution("{id}"),
    summary: "Hand in a patch; idempotent by its hash",
    body: "bytes",
    answer: contribution,
    signed: true,
  },
  {
    method: "get",
    path: routes.contribution("{id}"),
    summary: "A contribution's life",
    answer: contribution,
  },
  {
    method: "get",
    path: routes.contributions(),
    cost: 5,
    summary: "A contributor's contributions, newest first",
    answer: contributionList,
    query: ["contributor"],
  },
  {
    method: "get",
    path: routes.contributor("{id}"),
    cost: 5,
    summary: "What somebody has done for a model, and under which name",
    answer: contributorCard,
    query: ["model"],
  },
  {
    method: "get",
    path: routes.contributorCloth("{id}"),
    cost: 50,
    summary: "Where somebody's newest merged patches reached, as a picture",
    answer: cloth,
    query: ["model"],
  },
  {
    method: "post",
    path: routes.contributorName("{id}"),
    summary: "Choose a name, or take it back",
    body: nameRequest,
    answer: namedContributor,
    signed: true,
  },
  {
    method: "get",
    path: routes.refusedWork(),
    summary: "What was refused in the last day, by contributor and reason",
    answer: refusedWork,
    query: ["model"],
  },
  {
    method: "get",
    path: routes.leaderboard(),
    cost: 5,
    summary: "Credit of merged work",
    answer: leaderboard,
    query: ["model", "window"],
  },
  {
    method: "get",
    path: routes.events(),
    cost: 20,
    summary: "Server-sent events",
    type: "text/event-stream",
    query: ["topics"],
  },
  {
    method: "post",
    path: routes.pause(),
    summary: "Stop giving out work and merging",
    body: pauseRequest,
    answer: modelHealth,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.resume(),
    summary: "Go on",
    body: pauseRequest,
    answer: modelHealth,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.reverts(),
    summary: "Take a merged contribution out again; answers at once, and it is done later",
    body: revertRequest,
    answer: revertStatus,
    maintainer: true,
  },
  {
    method: "get",
    path: routes.revert("{id}"),
    summary: "What became of a revert",
    answer: revertStatus,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.retire(),
    summary: "Give out no work of a model any more: a signed act of its history",
    body: pauseRequest,
    answer: modelHealth,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.unretire(),
    summary: "Take a retirement back",
    body: pauseRequest,
    answer: modelHealth,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.recipe(),
    summary: "Give a model another recipe: a signed act of its history",
    body: recipeRequest,
    answer: modelHealth,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.additions(),
    summary: "Add a model: begin its upload, go on with it, or import it once all of it is there",
    body: additionRequest,
    answer: additionStatus,
    maintainer: true,
  },
  {
    method: "get",
    path: routes.addition("{id}"),
    summary: "How far the addition of a model is",
    answer: additionStatus,
    maintainer: true,
  },
  {
    method: "put",
    path: routes.additionChunk("{id}", "{sha256}"),
    summary: "A chunk of a model that is being added",
    body: "bytes",
    answer: additionChunk,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.acceptSuite(),
    summary: "Let the gate test on a suite: a signed act of the model's history",
    body: suiteRequest,
    answer: suiteLife,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.refuseSuite(),
    summary: "Refuse a suite that waits",
    body: suiteRequest,
    answer: suiteLife,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.withdrawSuite(),
    summary: "Let the gate not test on a suite any more: a signed act",
    body: suiteRequest,
    answer: suiteLife,
    maintainer: true,
  },
  {
    method: "get",
    path: routes.suiteFile("{id}"),
    summary: "The file of a suite that waits, to look it through",
    maintainer: true,
  },
  {
    method: "post",
    path: routes.tag(),
    summary: "Make a version a release, a signed act; a tag names one version for ever",
    body: tagRequest,
    answer: modelHealth,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.untag(),
    summary: "Take a release back, a signed act; its number stays taken",
    body: untagRequest,
    answer: modelHealth,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.ban(),
    summary: "Take no work of a contributor any more, and refuse what waits of theirs",
    body: banRequest,
    answer: banStatus,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.unban(),
    summary: "Take work of a contributor again",
    body: unbanRequest,
    answer: banStatus,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.blankName(),
    summary: "Take a contributor's name off every page",
    body: blankRequest,
    answer: namedContributor,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.unblankName(),
    summary: "Let a contributor choose a name again",
    body: blankRequest,
    answer: namedContributor,
    maintainer: true,
  },
  {
    method: "get",
    path: routes.judges(),
    summary: "Who judges for this relay, or did",
    answer: judgeList,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.judges(),
    summary: "Name a judge: a machine that does the relay's training",
    body: judgeRequest,
    answer: judgeList,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.dismissals(),
    summary: "Take no more answers of a judge",
    body: dismissalRequest,
    answer: judgeList,
    maintainer: true,
  },
  {
    method: "post",
    path: routes.jobs(),
    summary: "Ask for a job as a judge, or say that one is still being done",
    body: jobRequest,
    answer: jobAnswer,
    signed: true,
  },
  {
    method: "put",
    path: routes.job("{id}"),
    summary: "Hand in what a job came to",
    body: "bytes",
    answer: judgementReceipt,
    signed: true,
  },
  {
    method: "get",
    path: routes.previewModel(),
    summary: "What pausing a model, or going on with it, would concern",
    answer: modelPreview,
    query: ["model"],
    maintainer: true,
  },
  {
    method: "get",
    path: routes.previewRevert(),
    summary: "What a revert would do to the head; ask again while the relay is working at it",
    answer: revertAnswer,
    query: ["model", "contribution"],
    maintainer: true,
  },
  {
    method: "get",
    path: routes.previewTag(),
    summary: "What a version would be as the next release, and its number by the evidence",
    answer: tagPreview,
    query: ["model", "version"],
    maintainer: true,
  },
  {
    method: "get",
    path: routes.previewBan(),
    summary: "What a ban would refuse",
    answer: banPreview,
    query: ["contributor"],
    maintainer: true,
  },
  {
    method: "post",
    path: routes.session(),
    summary: "Sign in on the page: a cookie for twelve hours",
    answer: maintainerSession,
    maintainer: true,
  },
  {
    method: "get",
    path: routes.session(),
    summary: "Who is signed in on the page, if anybody is",
    answer: maintainerSession,
  },
  {
    method: "post",
    path: routes.sessionEnd(),
    summary: "Sign out on the page",
    answer: maintainerSession,
  },
  {
    method: "get",
    path: routes.audit(),
    summary: "Who did what",
    answer: auditLog,
    maintainer: true,
  },
];
