const KEPT = 128; // ledger, threads, files that are being written
const MOST = 50_000; // connections: some 10 KB each

/** How many connections may be open at once, so that each finds a file that it asks for. */
export function connectionsAllowed(descriptors = openFilesAllowed()): number {
  return Math.max(8, Math.min(MOST, Math.floor((descriptors - KEPT) / 2)));
}

/** How many files and connections the process may have open. */
function openFilesAllowed(): number {
  // without its network part, for which it would look up the names of all addresses
  const report = Object.assign(process.report, { excludeNetwork: true });
  const told: { userLimits?: { open_files?: { soft?: unknown } } } = report.getReport();
  const soft = told.userLimits?.open_files?.soft;
  return typeof soft === "number" ? soft : Number.MAX_SAFE_INTEGER; // Windows has no such limit
}
