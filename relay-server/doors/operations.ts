import { routes } from "../../core/protocol/routes.ts";
import { actList } from "../../core/protocol/schemas/act.ts";
import { maintainerSession } from "../../core/protocol/schemas/admin.ts";
import { alertList } from "../../core/protocol/schemas/alerts.ts";
import { checkpointPlan } from "../../core/protocol/schemas/checkpoint.ts";
import { cloth } from "../../core/protocol/schemas/cloth.ts";
import { contribution, contributionList } from "../../core/protocol/schemas/contribution.ts";
import {
  contributorCard,
  namedContributor,
  nameRequest,
} from "../../core/protocol/schemas/contributor.ts";
import { flow } from "../../core/protocol/schemas/flow.ts";
import {
  jobAnswer,
  jobInputRequest,
  jobRequest,
  judgementReceipt,
} from "../../core/protocol/schemas/judging.ts";
import { now } from "../../core/protocol/schemas/now.ts";
import { proposalLife, proposalList } from "../../core/protocol/schemas/proposal.ts";
import { refusedWork } from "../../core/protocol/schemas/refused-work.ts";
import {
  health,
  leaderboard,
  modelCard,
  modelList,
  shardLedger,
} from "../../core/protocol/schemas/status.ts";
import { suiteLife, suiteList } from "../../core/protocol/schemas/suite.ts";
import { holdersAnswer, holdersRequest } from "../../core/protocol/schemas/swarm.ts";
import { ticketAnswer, ticketRequest } from "../../core/protocol/schemas/ticket.ts";
import { signedVersion, versionList } from "../../core/protocol/schemas/version.ts";
import { MAINTAINER_OPERATIONS } from "./maintainer-operations.ts";
import type { Operation } from "./operation.ts";

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
    method: "get",
    path: routes.proposals("{model}"),
    cost: 5,
    summary: "What was proposed from forks, the newest first",
    answer: proposalList,
  },
  {
    method: "get",
    path: routes.proposal("{model}", "{id}"),
    summary: "A proposal, and what became of it",
    answer: proposalLife,
  },
  {
    method: "put",
    path: routes.proposal("{model}", "{id}"),
    summary: "Offer a fork's contribution to its upstream; idempotent by its hash",
    body: "bytes",
    answer: proposalLife,
    signed: true,
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
    path: routes.alerts(),
    cost: 5,
    summary: "What needs a maintainer, and from where on",
    answer: alertList,
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
    path: routes.flow(),
    cost: 5,
    summary: "What became of the day's work, station by station",
    answer: flow,
    query: ["model"],
  },
  {
    method: "get",
    path: routes.now(),
    summary: "Who trains this minute, and how far the next version is",
    answer: now,
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
    path: routes.jobs(),
    summary: "Ask for a job as a judge, or say that one is still being done",
    body: jobRequest,
    answer: jobAnswer,
    signed: true,
  },
  {
    method: "post",
    path: routes.jobInput("{id}", "{sha256}"),
    summary: "A file that a held job names by its hash",
    body: jobInputRequest,
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
  ...MAINTAINER_OPERATIONS,
];
