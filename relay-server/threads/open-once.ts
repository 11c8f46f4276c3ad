/** What `open` opens, for the first call and all after it; if it fails, the next call tries again. */
export function openOnce<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | null = null;
  return () => {
    if (opened !== null) return opened;
    const opening = open();
    opened = opening;
    opening.catch(() => {
      opened = null; // whoever asked for it hears why
    });
    return opening;
  };
}
