// Loaded before any TypeScript: Node keeps what it made of our files, when a process or a thread ends, for the next ones. Without it
// each thread strips the types anew by a WebAssembly module of Node's own, whose code V8 (as of 13.6) frees unsafely where many
// threads do so at once: a rare segmentation fault, which only a start after a change or an upgrade can still meet. Switched off by NODE_DISABLE_COMPILE_CACHE=1, or where nothing can be kept.
const { enableCompileCache } = require("node:module");
const { join } = require("node:path");

process.env.NODE_COMPILE_CACHE ??= join(__dirname, "../node_modules/.cache/commonweight"); // threads and children look here too
enableCompileCache?.(process.env.NODE_COMPILE_CACHE); // Node 20 has none, and hands over to one that has
