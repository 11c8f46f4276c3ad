import { type CallOptions, type HttpCall, hashed, jsonPost, query, segment } from "./http-call.ts";
import { routes } from "./routes.ts";
import { type AdditionRequest, additionChunk, additionStatus } from "./schemas/addition.ts";
import {
  auditLog,
  type BanRequest,
  banStatus,
  type ModelActRequest,
  maintainerSession,
  type ProposalRequest,
  type RecipeRequest,
  type RevertRequest,
  revertStatus,
  type SuiteRequest,
  type TagRequest,
  type UnbanRequest,
  type UntagRequest,
} from "./schemas/admin.ts";
import { type AlertRequest, alertList } from "./schemas/alerts.ts";
import { type BlankRequest, namedContributor } from "./schemas/contributor.ts";
import { type DismissalRequest, type JudgeRequest, judgeList } from "./schemas/judging.ts";
import { banPreview, modelPreview, revertAnswer, tagPreview } from "./schemas/previews.ts";
import { proposalLife } from "./schemas/proposal.ts";
import { modelHealth } from "./schemas/status.ts";
import { suiteLife } from "./schemas/suite.ts";

/** What a maintainer may do who has `token`; null in a page whose maintainer is signed in. */
export function createMaintainerClient(
  { origin, call, ask, putBytes }: HttpCall,
  token: string | null,
) {
  const authorization: Record<string, string> =
    token === null ? {} : { authorization: `Bearer ${token}` };
  const get = { method: "GET", headers: authorization } as const;
  const post = (request: unknown) => jsonPost(request, authorization);
  return {
    judges: (options?: CallOptions) => ask(judgeList, routes.judges(), options, get),
    /** Let a machine do the relay's training. */
    nameJudge: (request: JudgeRequest, options?: CallOptions) =>
      ask(judgeList, routes.judges(), options, post(request)),
    dismissJudge: (request: DismissalRequest, options?: CallOptions) =>
      ask(judgeList, routes.dismissals(), options, post(request)),
    pause: (request: ModelActRequest, options?: CallOptions) =>
      ask(modelHealth, routes.pause(), options, post(request)),
    resume: (request: ModelActRequest, options?: CallOptions) =>
      ask(modelHealth, routes.resume(), options, post(request)),
    /** Give out no work of a model any more, for good, or take that back. */
    retire: (request: ModelActRequest, options?: CallOptions) =>
      ask(modelHealth, routes.retire(), options, post(request)),
    unretire: (request: ModelActRequest, options?: CallOptions) =>
      ask(modelHealth, routes.unretire(), options, post(request)),
    /** Give a model another recipe. */
    changeRecipe: (request: RecipeRequest, options?: CallOptions) =>
      ask(modelHealth, routes.recipe(), options, post(request)),
    /** Begin to add a model or go on with it; once the relay has all of its chunks, import it. */
    add: (request: AdditionRequest, options?: CallOptions) =>
      ask(additionStatus, routes.additions(), options, post(request)),
    addition: (id: string, options?: CallOptions) =>
      ask(additionStatus, routes.addition(id), options, get),
    putAdditionChunk: (
      id: string,
      { sha256, bytes: body }: { readonly sha256: string; readonly bytes: Uint8Array<ArrayBuffer> },
      options?: CallOptions,
    ) =>
      putBytes(
        additionChunk,
        routes.additionChunk(id, sha256),
        { body, headers: authorization },
        options,
      ),
    /** Ask that a contribution be taken out; the relay does it in the background. */
    requestRevert: (request: RevertRequest, options?: CallOptions) =>
      ask(revertStatus, routes.reverts(), options, post(request)),
    revert: (contribution: string, options?: CallOptions) =>
      ask(revertStatus, routes.revert(segment(contribution)), options, get),
    /** Take no work of a contributor any more, and refuse what waits of theirs. */
    ban: (request: BanRequest, options?: CallOptions) =>
      ask(banStatus, routes.ban(), options, post(request)),
    unban: (request: UnbanRequest, options?: CallOptions) =>
      ask(banStatus, routes.unban(), options, post(request)),
    /** Take a contributor's name off every page. */
    blankName: (request: BlankRequest, options?: CallOptions) =>
      ask(namedContributor, routes.blankName(), options, post(request)),
    /** Let a contributor choose a name again. */
    unblankName: (request: BlankRequest, options?: CallOptions) =>
      ask(namedContributor, routes.unblankName(), options, post(request)),
    /** Let the gate test on a suite from now on. */
    acceptSuite: (request: SuiteRequest, options?: CallOptions) =>
      ask(suiteLife, routes.acceptSuite(), options, post(request)),
    refuseSuite: (request: SuiteRequest, options?: CallOptions) =>
      ask(suiteLife, routes.refuseSuite(), options, post(request)),
    /** Let the gate not test on an accepted suite any more. */
    withdrawSuite: (request: SuiteRequest, options?: CallOptions) =>
      ask(suiteLife, routes.withdrawSuite(), options, post(request)),
    /** Judge a proposal as any other contribution. */
    acceptProposal: (request: ProposalRequest, options?: CallOptions) =>
      ask(proposalLife, routes.acceptProposal(), options, post(request)),
    refuseProposal: (request: ProposalRequest, options?: CallOptions) =>
      ask(proposalLife, routes.refuseProposal(), options, post(request)),
    /** The file of a suite that waits. */
    suiteFile: async (id: string, options: CallOptions = {}) =>
      hashed(id, await call(origin + routes.suiteFile(id), get, options)),
    /** Make a version a release; a tag names one version for ever. */
    tag: (request: TagRequest, options?: CallOptions) =>
      ask(modelHealth, routes.tag(), options, post(request)),
    /** Take a release back; its number stays taken. */
    untag: (request: UntagRequest, options?: CallOptions) =>
      ask(modelHealth, routes.untag(), options, post(request)),
    /** What pausing the model, retiring it, giving it another recipe or going on with it would concern. */
    previewModel: (model: string, options?: CallOptions) =>
      ask(modelPreview, routes.previewModel() + query({ model }), options, get),
    /** What a revert would do; the relay may still be at work at the answer. */
    previewRevert: (wish: { model: string; contribution: string }, options?: CallOptions) =>
      ask(revertAnswer, routes.previewRevert() + query(wish), options, get),
    /** What a version would be as the next release, and which number the evidence proposes. */
    previewTag: (wish: { model: string; version?: number }, options?: CallOptions) =>
      ask(tagPreview, routes.previewTag() + query(wish), options, get),
    previewBan: (contributor: string, options?: CallOptions) =>
      ask(banPreview, routes.previewBan() + query({ contributor }), options, get),
    /** Sign in on the page that calls: what follows needs no token there. */
    signIn: (options?: CallOptions) => ask(maintainerSession, routes.session(), options, post({})),
    session: (options?: CallOptions) => ask(maintainerSession, routes.session(), options, get),
    signOut: (options?: CallOptions) =>
      ask(maintainerSession, routes.sessionEnd(), options, post({})),
    /** From where on an alert is one. */
    setAlerts: (request: AlertRequest, options?: CallOptions) =>
      ask(alertList, routes.setAlerts(), options, post(request)),
    audit: (options?: CallOptions) => ask(auditLog, routes.audit(), options, get),
  };
}
export type Maintainer = ReturnType<typeof createMaintainerClient>;
