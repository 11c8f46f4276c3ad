/** The entry of each thread that judges or writes exports: it gives way to the threads that answer, then is what it was started for. */
import { getPriority, setPriority } from "node:os";
import { workerData } from "node:worker_threads";

const NICER = 5; // a third of the time of a thread that answers where both want a core, all of it where none does
const NICEST = 19;

/** On Linux a niceness is a thread's; elsewhere it would be the whole process's. */
function giveWay(): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(0, Math.min(NICEST, getPriority(0) + NICER));
  } catch {
    // a sandbox may forbid it: the threads are equals then
  }
}

giveWay();
await import(workerData.url); // the URL that keepThread was given
