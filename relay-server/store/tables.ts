/** The ledger's rows. Portable types only: integers, floats, text, bytes; booleans are 0 or 1, times ms since 1970. */

export type ModelRow = {
  id: string;
  /** The recipe as JSON. */
  recipe: string;
  parameters: number;
  imported_at: number;
  paused: number;
  head: number;
  /** Rises with each relay that comes to hold the model's lease; a publisher with an older one is refused. */
  fence: number;
  /** Why no work is given out any more, in a maintainer's words; null where it is. */
  retired: string | null;
};

/** A signed act of a maintainer, byte for byte as it is served. */
export type ActRow = { model: string; number: number; id: string; signed: Uint8Array };

/** A suite that somebody proposed, and what became of it. */
export type SuiteRow = {
  /** SHA-256 of its file. */
  id: string;
  model: string;
  name: string;
  contributor: string;
  signature: string;
  /** What its contributor says of it, as JSON. */
  header: string;
  examples: number;
  size_bytes: number;
  /** The file while it is not decided about; an accepted one is a blob. */
  bytes: Uint8Array | null;
  /** received, waiting, accepted, refused or withdrawn */
  state: string;
  /** Why it was refused or withdrawn. */
  message: string | null;
  /** What the relay found, as JSON; null until it looked. */
  findings: string | null;
  proposed_at: number;
  decided_at: number | null;
  /** In the act that accepted it: how many acts came before. */
  act: number | null;
  /** Contributions that it kept out. */
  stopped: number;
};

/** A fork's contribution that somebody offers, and what became of the offer. */
export type ProposalRow = {
  /** The contribution's. */
  id: string;
  model: string;
  contributor: string;
  signature: string;
  /** The fork that it was made for, as JSON (a `ForkName`). */
  fork: string;
  /** The record of the fork's version 0, in the bytes that hash to its id. */
  record: Uint8Array;
  base: number;
  examples: number;
  size_bytes: number;
  values_hash: string;
  norm: number;
  /** The patch while it waits. */
  bytes: Uint8Array | null;
  /** waiting, accepted or refused */
  state: string;
  /** Why it was refused. */
  message: string | null;
  proposed_at: number;
  decided_at: number | null;
};

export type VersionRow = {
  model: string;
  number: number;
  id: string;
  parent: string | null;
  created_at: number;
  /** The signed version as published, byte for byte. */
  signed: Uint8Array;
  checkpoint: string;
  /** 1 if the chunks of the whole checkpoint are kept. */
  keyframe: number;
  /** Blob of the manifest by which a keyframe's chunks are kept in fewer bytes; null where they are not. */
  narrow: string | null;
  /** Blob of the delta step from the parent; null for version 0. */
  step: string | null;
  step_bytes: number;
  /** The mask of work based on this version, as JSON. */
  mask: string;
  contributions: number;
  contributors: number;
  /** Metrics on the report set, as JSON. */
  report: string;
};

export type ShardRow = {
  model: string;
  position: number;
  sha256: string;
  size_bytes: number;
  examples: number;
  title: string;
  /** Tickets that named it. */
  assigned: number;
  /** Merged contributions that trained on it. */
  trained: number;
  /** 1 if it is of the base's own domain. */
  replay: number;
};

export type ShardTrainerRow = { model: string; position: number; contributor: string };

export type TicketRow = {
  id: string;
  model: string;
  contributor: string;
  base: number;
  /** The ticket as JSON. */
  ticket: string;
  issued_at: number;
  expires_at: number;
  /** 1 once a contribution was made with it, 2 once its work was refused before it was one, 3 where `ticket` is forgotten. */
  used: number;
};

export type ContributionRow = {
  id: string;
  model: string;
  contributor: string;
  /** One contribution per ticket. */
  ticket: string;
  base: number;
  /** The fork that it was proposed from, as JSON (a `ForkName`); null for work on the model itself. */
  fork: string | null;
  state: string;
  reason_code: string | null;
  reason_message: string | null;
  /** Shard indices as JSON. */
  shards: string;
  examples: number;
  size_bytes: number;
  signature: string;
  /** SHA-256 of the values alone: the same work under another header is a copy. */
  values_hash: string;
  /** L2 norm of the delta. */
  norm: number;
  /** 1 if its mask was the head's when it arrived. */
  on_mask: number;
  /** z of its agreement with the relay's own reference; null if there was none. */
  agreement: number | null;
  /** When it passed the screen; null before, and in work from before there was one. */
  screened_at: number | null;
  /** When its score was good; null if it was not scored. */
  scored_at: number | null;
  /** Rise of the held-out loss when scored, in nats. */
  score: number | null;
  /** Cohorts that it was left out of, neither merged nor refused. */
  postponed: number;
  received_at: number;
  updated_at: number;
  version: number | null;
  multiplier: number | null;
  credit: number;
  /** What its header says that it was made with; null in work from before that was noted. */
  device: string | null;
  software: string | null;
};

/** The bytes of work that waits, or that was merged and is not public yet. */
export type WaitingBytesRow = { contribution: string; bytes: Uint8Array };
/** Merged work whose bytes are to become public. */
export type PromotionRow = { contribution: string; model: string };

export type RefusalRow = {
  id: string;
  contributor: string;
  code: string;
  message: string;
  refused_at: number;
  /** Null from before that was noted. */
  model: string | null;
  /** What its header says that it was made with; null from before that was noted. */
  device: string | null;
  software: string | null;
};

export type EventRow = { id: number; type: string; topic: string; data: string };
export type SequenceRow = { name: string; value: number };
export type SettingRow = { name: string; value: string };
export type MaintainerRow = { name: string; token_hash: string; created_at: number };
export type AuditRow = {
  id: number;
  at: number;
  maintainer: string;
  action: string;
  subject: string;
  /** A reason or an outcome, in plain words. */
  note: string | null;
};

/** A contributor whose work is not taken any more. */
export type BanRow = {
  contributor: string;
  /** Why, in a maintainer's words. */
  reason: string;
  maintainer: string;
  banned_at: number;
};

/** A machine that judges for the relay, by its key. */
export type JudgeRow = {
  judge: string;
  name: string;
  /** Who named it. */
  maintainer: string;
  named_at: number;
  dismissed_at: number | null;
  dismissed_reason: string | null;
};

/** A maintainer's wish to take a merged contribution out again, and what became of it. */
export type RevertRow = {
  contribution: string;
  model: string;
  reason: string;
  maintainer: string;
  state: string;
  /** 1 where it is to be published whatever the gate says. */
  insists: number;
  /** What spoke against it, in plain words, also where it was published all the same. */
  message: string | null;
  requested_at: number;
  decided_at: number | null;
  /** The version that was published without the contribution. */
  version: number | null;
  /** The number of that in the audit log; 0 before. */
  act: number;
};

/** A version that a maintainer made a release. */
export type ReleaseRow = {
  model: string;
  /** A semantic version. */
  tag: string;
  version: number;
  maintainer: string;
  tagged_at: number;
  /** Its number in the audit log: later ones are higher, whatever the clock says. */
  act: number;
  /** When a maintainer took it back; null while it is a release. */
  untagged_at: number | null;
};

/** A candidate that the gate tested. */
export type GateTestRow = {
  id: number;
  model: string;
  tested_at: number;
  head: number;
  contributions: number;
  decision: string;
  /** Its suites' tests as JSON. */
  tests: string;
  /** Its negative flips as JSON; null where none were counted. */
  flips: string | null;
};

/** A contribution that is trained a second time, drawn by lot, and how the two compare. */
export type SpotCheckRow = {
  contribution: string;
  model: string;
  contributor: string;
  /** drawn, passed or failed */
  state: string;
  cosine: number | null;
  /** Length of the delta that was sent, over that of the second training. */
  norm_ratio: number | null;
  drawn_at: number;
  decided_at: number | null;
};

/** What a contributor is called; the row stays when the name is taken back. */
export type NameRow = {
  contributor: string;
  name: string | null;
  /** What the name looks like: names that look alike have the same. */
  look: string | null;
  /** When the contributor signed it: an earlier signature counts no more. */
  signed_at: number;
  /** Why a maintainer blanked it; null where it is not blanked. */
  blanked: string | null;
};

/** What a contributor's merged work of a model comes to: sums of what `contributions` has. */
export type CreditRow = {
  model: string;
  contributor: string;
  credit: number;
  merged: number;
  last_merged_at: number;
};

/** The relay that publishes a model, until a moment of the database's clock. */
export type LeaseRow = {
  model: string;
  holder: string;
  expires_at: number;
  /** Why it merges nothing, in plain words. */
  problem: string | null;
  /** How long it takes to judge a contribution; null before it has judged one. */
  score_seconds: number | null;
};

/** What a volunteer judged of a model as a juror. */
export type JurorRow = {
  model: string;
  contributor: string;
  /** Examples that it evaluated as the relay does. */
  examples: number;
  /** When it last said something else; null where it never did. */
  lied_at: number | null;
};

/** How many packets of a suite a jury has seen. */
export type ShownPacketsRow = {
  model: string;
  suite: string;
  packets: number;
};

export type Tables = {
  models: ModelRow;
  versions: VersionRow;
  shards: ShardRow;
  shard_trainers: ShardTrainerRow;
  tickets: TicketRow;
  contributions: ContributionRow;
  waiting_bytes: WaitingBytesRow;
  promotions: PromotionRow;
  refusals: RefusalRow;
  events: EventRow;
  sequences: SequenceRow;
  settings: SettingRow;
  maintainers: MaintainerRow;
  audit: AuditRow;
  reverts: RevertRow;
  spot_checks: SpotCheckRow;
  bans: BanRow;
  judges: JudgeRow;
  releases: ReleaseRow;
  acts: ActRow;
  suites: SuiteRow;
  proposals: ProposalRow;
  gate_tests: GateTestRow;
  credits: CreditRow;
  leases: LeaseRow;
  names: NameRow;
  jurors: JurorRow;
  shown_packets: ShownPacketsRow;
};
