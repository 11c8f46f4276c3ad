/** Bounds that are checked before anything is allocated. */

export const PROTOCOL_VERSION = 1;
export const PROTOCOL_HEADER = "commonweight-protocol";
export const SIGNATURE_HEADER = "commonweight-signature";
export const TICKET_HEADER = "commonweight-ticket";

export const MAX_PATCH_BYTES = 4 << 20; // 2% of 124M parameters at 4 bits and a scale per 64 is 1.4 MB, ×2 headroom
export const MAX_REQUEST_BYTES = 16 << 10; // every JSON body of the protocol is under 4 KB
export const MAX_RECIPE_BYTES = 64 << 10; // 256 classes with the longest names are 31 KB
export const MAX_PLAN_BYTES = 8 << 20; // a shard is 130 bytes of an addition's plan: 60,000 of them
export const MAX_SHARD_BYTES = 4 << 20; // one chunk: held in memory whole by a phone
export const MAX_SUITE_BYTES = MAX_SHARD_BYTES; // read as a shard is, by whoever looks it through
export const MAX_SUITES_IN_FORCE = 16; // each one is one more look at every candidate
export const MAX_FORK_BYTES = 512 << 10; // version 0 of a fork: the hashes of 2,048 packets are 137 KB
export const MAX_PROPOSAL_BYTES = MAX_PATCH_BYTES + MAX_FORK_BYTES + 1032; // and a header of 1 KB with its length
export const MAX_TOKENIZER_BYTES = 32 << 20; // tokenizer.json of Qwen's 151,936 tokens is 11 MB, ×2 headroom
export const CHUNK_BYTES = 1 << 20; // a lost chunk costs a slow line seconds, not minutes
export const MAX_MULTIPLIER = 4096; // 12 bits, so that sums over 16,384 patches stay exact in f64
export const MAX_PACKETS = 1024; // of a suite: their hashes are 66 KB of version 0's record
export const MAX_ANCESTORS = 16; // forks of forks: 500 bytes each of every version 0 below
export const MAX_UPSTREAM_BYTES = 8 << 20; // a record of 16,384 merged patches is 6 MB
export const MIN_PACKET_EXAMPLES = 16; // of fewer, somebody who knows the data could find a sealed packet by its hash
export const MIN_JURORS = 3; // two who differ do not tell who is right
export const MAX_JURORS = 9; // each costs as much as the last, and adds less
export const MAX_JUDGEMENT_BYTES = 64 << 20; // five pieces of three million parameters each; a relay trains more itself
export const CLOCK_SKEW_MS = 5 * 60_000; // a volunteer's clock may be this wrong
