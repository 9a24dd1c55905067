import { Injectable, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';

/** Answers an error that no controller saw. */
export type FallbackHandler = (error: unknown, host: ArgumentsHost) => void;

export interface Fallback {
  readonly handle: FallbackHandler;
  /** Whether it tells a wrong method from a wrong path by itself. */
  readonly ownMethods: boolean;
}

/**
 * Who answers what no controller sees: unknown paths, wrong methods, bodies that cannot be read. A dialect registers its
 * own filter for its prefix, so that even these are answered in its own words.
 */
@Injectable()
export class EdgeFallbacks {
  private readonly fallbacks = new Map<string, Fallback>();

  /** @param prefix the beginning of the path, such as `/_security/` */
  register(prefix: string, filter: ExceptionFilter, { ownMethods = true } = {}): void {
    this.fallbacks.set(prefix, { handle: handlerOf(filter), ownMethods });
  }

  find(path: string): Fallback | undefined {
    for (const [prefix, fallback] of this.fallbacks) if (path.startsWith(prefix)) return fallback;
    return undefined;
  }
}

/** A filter's one method, by itself. */
export function handlerOf(filter: ExceptionFilter): FallbackHandler {
  return filter.catch.bind(filter);
}
