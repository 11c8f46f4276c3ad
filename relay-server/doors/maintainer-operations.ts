import { routes } from "../../core/protocol/routes.ts";
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
  modelActRequest,
  proposalRequest,
  recipeRequest,
  revertRequest,
  revertStatus,
  suiteRequest,
  tagRequest,
  unbanRequest,
  untagRequest,
} from "../../core/protocol/schemas/admin.ts";
import { alertList, alertRequest } from "../../core/protocol/schemas/alerts.ts";
import { blankRequest, namedContributor } from "../../core/protocol/schemas/contributor.ts";
import { dismissalRequest, judgeList, judgeRequest } from "../../core/protocol/schemas/judging.ts";
import {
  banPreview,
  modelPreview,
  revertAnswer,
  tagPreview,
} from "../../core/protocol/schemas/previews.ts";
import { proposalLife } from "../../core/protocol/schemas/proposal.ts";
import { modelHealth } from "../../core/protocol/schemas/status.ts";
import { suiteLife } from "../../core/protocol/schemas/suite.ts";
import type { Operation } from "./operation.ts";

const operations: readonly Omit<Operation, "maintainer">[] = [
  {
    method: "post",
    path: routes.pause(),
    summary: "Stop giving out work and merging",
    body: modelActRequest,
    answer: modelHealth,
  },
  {
    method: "post",
    path: routes.resume(),
    summary: "Go on",
    body: modelActRequest,
    answer: modelHealth,
  },
  {
    method: "post",
    path: routes.reverts(),
    summary: "Take a merged contribution out again; answers at once, and it is done later",
    body: revertRequest,
    answer: revertStatus,
  },
  {
    method: "get",
    path: routes.revert("{id}"),
    summary: "What became of a revert",
    answer: revertStatus,
  },
  {
    method: "post",
    path: routes.retire(),
    summary: "Give out no work of a model any more: a signed act of its history",
    body: modelActRequest,
    answer: modelHealth,
  },
  {
    method: "post",
    path: routes.unretire(),
    summary: "Take a retirement back",
    body: modelActRequest,
    answer: modelHealth,
  },
  {
    method: "post",
    path: routes.recipe(),
    summary: "Give a model another recipe: a signed act of its history",
    body: recipeRequest,
    answer: modelHealth,
  },
  {
    method: "post",
    path: routes.additions(),
    summary: "Add a model: begin its upload, go on with it, or import it once all of it is there",
    body: additionRequest,
    answer: additionStatus,
  },
  {
    method: "get",
    path: routes.addition("{id}"),
    summary: "How far the addition of a model is",
    answer: additionStatus,
  },
  {
    method: "put",
    path: routes.additionChunk("{id}", "{sha256}"),
    summary: "A chunk of a model that is being added",
    body: "bytes",
    answer: additionChunk,
  },
  {
    method: "post",
    path: routes.acceptSuite(),
    summary: "Let the gate test on a suite: a signed act of the model's history",
    body: suiteRequest,
    answer: suiteLife,
  },
  {
    method: "post",
    path: routes.refuseSuite(),
    summary: "Refuse a suite that waits",
    body: suiteRequest,
    answer: suiteLife,
  },
  {
    method: "post",
    path: routes.withdrawSuite(),
    summary: "Let the gate not test on a suite any more: a signed act",
    body: suiteRequest,
    answer: suiteLife,
  },
  {
    method: "post",
    path: routes.acceptProposal(),
    summary: "Judge a fork's contribution as any other",
    body: proposalRequest,
    answer: proposalLife,
  },
  {
    method: "post",
    path: routes.refuseProposal(),
    summary: "Refuse a proposal that waits",
    body: proposalRequest,
    answer: proposalLife,
  },
  {
    method: "get",
    path: routes.suiteFile("{id}"),
    summary: "The file of a suite that waits, to look it through",
  },
  {
    method: "post",
    path: routes.tag(),
    summary: "Make a version a release, a signed act; a tag names one version for ever",
    body: tagRequest,
    answer: modelHealth,
  },
  {
    method: "post",
    path: routes.untag(),
    summary: "Take a release back, a signed act; its number stays taken",
    body: untagRequest,
    answer: modelHealth,
  },
  {
    method: "post",
    path: routes.ban(),
    summary: "Take no work of a contributor any more, and refuse what waits of theirs",
    body: banRequest,
    answer: banStatus,
  },
  {
    method: "post",
    path: routes.unban(),
    summary: "Take work of a contributor again",
    body: unbanRequest,
    answer: banStatus,
  },
  {
    method: "post",
    path: routes.blankName(),
    summary: "Take a contributor's name off every page",
    body: blankRequest,
    answer: namedContributor,
  },
  {
    method: "post",
    path: routes.unblankName(),
    summary: "Let a contributor choose a name again",
    body: blankRequest,
    answer: namedContributor,
  },
  {
    method: "get",
    path: routes.judges(),
    summary: "Who judges for this relay, or did",
    answer: judgeList,
  },
  {
    method: "post",
    path: routes.judges(),
    summary: "Name a judge: a machine that trains and evaluates for the relay",
    body: judgeRequest,
    answer: judgeList,
  },
  {
    method: "post",
    path: routes.dismissals(),
    summary: "Take no more answers of a judge",
    body: dismissalRequest,
    answer: judgeList,
  },
  {
    method: "get",
    path: routes.previewModel(),
    summary: "What pausing a model, or going on with it, would concern",
    answer: modelPreview,
    query: ["model"],
  },
  {
    method: "get",
    path: routes.previewRevert(),
    summary: "What a revert would do to the head; ask again while the relay is working at it",
    answer: revertAnswer,
    query: ["model", "contribution"],
  },
  {
    method: "get",
    path: routes.previewTag(),
    summary: "What a version would be as the next release, and its number by the evidence",
    answer: tagPreview,
    query: ["model", "version"],
  },
  {
    method: "get",
    path: routes.previewBan(),
    summary: "What a ban would refuse",
    answer: banPreview,
    query: ["contributor"],
  },
  {
    method: "post",
    path: routes.session(),
    summary: "Sign in on the page: a cookie for twelve hours",
    answer: maintainerSession,
  },
  {
    method: "post",
    path: routes.setAlerts(),
    summary: "Set from where on an alert is one",
    body: alertRequest,
    answer: alertList,
  },
  {
    method: "get",
    path: routes.audit(),
    summary: "Who did what",
    answer: auditLog,
  },
];

/** What a maintainer signs in for, or sends a token with. */
export const MAINTAINER_OPERATIONS: readonly Operation[] = operations.map((operation) => ({
  ...operation,
  maintainer: true,
}));
