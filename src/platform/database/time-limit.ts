/** A caller waited for as long as it may. To an edge it is as if storage could not be reached. */
export class TimeLimitError extends Error {
  readonly code = 'ETIMEDOUT';
}

/** What `work` comes to, unless that takes longer than `ms`. The work itself continues. @throws TimeLimitError */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeLimitError(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Makes `work` one at a time: who asks while it is under way gets the same answer. */
export function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => (running ??= work().finally(() => (running = undefined)));
}
