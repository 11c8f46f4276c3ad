const NAME = "commonweight-probe";
const WAIT_MS = 5_000; // a storage that answers at all does so within one

/**
 * Whether this browser keeps a key that no script can read: some private windows do not. Tried out in a database of its
 * own, which is deleted again. A storage that does not answer in time does not.
 */
export async function keepsKeys(databases: IDBFactory, keys: CryptoKeyPair): Promise<boolean> {
  const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), WAIT_MS));
  const kept = await Promise.race([tryOut(databases, keys).catch(() => false), late]);
  databases.deleteDatabase(NAME);
  return kept;
}

async function tryOut(databases: IDBFactory, keys: CryptoKeyPair): Promise<boolean> {
  const opening = databases.open(NAME);
  opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
  const database = await answerTo(opening);
  try {
    const store = database.transaction("keys", "readwrite").objectStore("keys");
    await answerTo(store.put(keys, "contributor"));
    const kept: unknown = await answerTo(store.get("contributor"));
    return typeof kept === "object" && kept !== null;
  } finally {
    database.close();
  }
}

function answerTo<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
