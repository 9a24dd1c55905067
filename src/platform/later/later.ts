const waiting: (() => Promise<unknown>)[] = [];

/**
 * A package that starting does not need: imported by the first caller that asks for it, or by {@link importWhatWaits} once the
 * service listens. Every caller gets the same one; an import that failed is tried again for the next.
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

/** Imports, one after the other, what was not asked for yet, so that no request has to wait for it. Never rejects. */
export async function importWhatWaits(): Promise<void> {
  // The caller that needs it gets the failure.
  for (const get of waiting) await get().catch(() => undefined);
}
