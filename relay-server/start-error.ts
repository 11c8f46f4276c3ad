/** Why the relay cannot start, as one clear sentence for the person at the terminal. */
export class StartError extends Error {
  override readonly name = "StartError";
}
