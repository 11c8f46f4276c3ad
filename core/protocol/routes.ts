/**
 * The paths of the protocol (H1), without host and query. The client fills in values, the relay the
 * names of its parameters: `routes.model(":model")` is its pattern.
 */
export const API = "/api/v1";

export const routes = {
  health: () => `${API}/health`,
  models: () => `${API}/models`,
  model: (model: string) => `${API}/models/${model}`,
  versions: (model: string) => `${API}/models/${model}/versions`,
  version: (model: string, version: string) => `${API}/models/${model}/versions/${version}`,
  checkpoint: (model: string, version: string) =>
    `${API}/models/${model}/versions/${version}/checkpoint`,
  exported: (model: string, version: string) =>
    `${API}/models/${model}/versions/${version}/export.safetensors`,
  cloth: (model: string, version: string) => `${API}/models/${model}/versions/${version}/cloth`,
  download: (model: string, version: string, name: string) =>
    `${API}/models/${model}/versions/${version}/downloads/${name}`,
  shards: (model: string) => `${API}/models/${model}/shards`,
  acts: (model: string) => `${API}/models/${model}/acts`,
  tickets: (model: string) => `${API}/models/${model}/tickets`,
  holders: (model: string) => `${API}/models/${model}/holders`,
  blob: (sha256: string) => `${API}/blobs/${sha256}`,
  contribution: (id: string) => `${API}/contributions/${id}`,
  contributions: () => `${API}/contributions`,
  contributor: (key: string) => `${API}/contributors/${key}`,
  contributorCloth: (key: string) => `${API}/contributors/${key}/cloth`,
  contributorName: (key: string) => `${API}/contributors/${key}/name`,
  refusedWork: () => `${API}/refused-work`,
  leaderboard: () => `${API}/leaderboard`,
  events: () => `${API}/events`,
  pause: () => `${API}/admin/pause`,
  resume: () => `${API}/admin/resume`,
  reverts: () => `${API}/admin/revert`,
  revert: (contribution: string) => `${API}/admin/revert/${contribution}`,
  retire: () => `${API}/admin/retire`,
  unretire: () => `${API}/admin/unretire`,
  additions: () => `${API}/admin/additions`,
  addition: (id: string) => `${API}/admin/additions/${id}`,
  additionChunk: (id: string, sha256: string) => `${API}/admin/additions/${id}/chunks/${sha256}`,
  tag: () => `${API}/admin/tag`,
  ban: () => `${API}/admin/ban`,
  unban: () => `${API}/admin/unban`,
  blankName: () => `${API}/admin/blank-name`,
  unblankName: () => `${API}/admin/unblank-name`,
  previewModel: () => `${API}/admin/preview/model`,
  previewRevert: () => `${API}/admin/preview/revert`,
  previewTag: () => `${API}/admin/preview/tag`,
  previewBan: () => `${API}/admin/preview/ban`,
  session: () => `${API}/admin/session`,
  sessionEnd: () => `${API}/admin/session-end`,
  audit: () => `${API}/admin/audit`,
} as const;
