const waiting = new Map<string, () => Promise<unknown>>();

/**
 * A package that starting does not need: imported by the first caller that asks for it, or by {@link importWhatWaits} once the
 * service listens. Every caller gets the same one; an import that failed is tried again for the next.
 * @param name of the package, for the one who reads the log
 */
export function later<Package>(name: string, load: () => Promise<Package>): () => Promise<Package> {
  let loading: Promise<Package> | undefined;
  const get = (): Promise<Package> => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  waiting.set(name, get);
  return get;
}

/**
 * Imports, one after the other, what was not asked for yet, so that no request has to wait for it.
 * @param failed is called with each that cannot be imported; the callers that need it get the failure, too
 */
export async function importWhatWaits(failed: (name: string, error: unknown) => void): Promise<void> {
  for (const [name, get] of waiting) await get().catch((error: unknown) => failed(name, error));
}
