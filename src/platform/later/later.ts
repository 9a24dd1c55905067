const waiting: (() => Promise<unknown>)[] = [];

/**
 * A package that starting does not need: imported by whoever asks for it first, or by {@link importWhatWaits} once the service
 * listens. Everybody gets the same one; an import that failed is tried again by the next who asks.
 */
export function later<Package>(load: () => Promise<Package>): () => Promise<Package> {
  let loading: Promise<Package> | undefined;
  const get = (): Promise<Package> => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  waiting.push(get);
  return get;
}

/** Imports, one after the other, what nobody has asked for yet, so that no request has to wait for it. Never rejects. */
export async function importWhatWaits(): Promise<void> {
  // Whoever needs it gets the failure.
  for (const get of waiting) await get().catch(() => undefined);
}
