/** Which rooms may know which (docs/house.md). Types count: a file that names another's type knows that file. */
const WALK = [
  "doors",
  "alerts",
  "intake",
  "judging",
  "merging",
  "history",
  "swarm",
  "store",
  "threads",
  "content",
];

/** Inside the relay, arrows run in the order of a contribution's walk, then down to what lies below. */
const walkRules = WALK.slice(1).map((folder, i) => ({
  name: `walk: ${folder} imports nothing before it`,
  severity: "error",
  from: { path: `^relay-server/${folder}/`, pathNot: "\\.test\\.ts$" },
  to: { path: `^relay-server/(${WALK.slice(0, i + 1).join("|")})/` },
}));

module.exports = {
  forbidden: [
    {
      name: "no circle of files",
      severity: "error",
      from: { pathNot: "^(kernels|sim|worker)/" }, // not mended there yet
      to: { circular: true, viaOnly: { pathNot: "^(kernels|sim|worker)/" } },
    },
    ...walkRules,
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "node_modules|^dist|^data" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: { extensions: [".ts", ".svelte", ".js", ".json", ".cjs"] },
  },
};
