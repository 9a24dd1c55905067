import { Injectable, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';

/** Answers an error that no controller saw. */
export type FallbackHandler = (error: unknown, host: ArgumentsHost) => void;

/**
 * Who answers what no controller sees: unknown paths, wrong methods, bodies that cannot be read. A dialect registers its
 * own filter for its prefix, so that even these are answered in its own words.
 */
@Injectable()
export class EdgeFallbacks {
  private readonly handlers = new Map<string, FallbackHandler>();

  /** @param prefix the beginning of the path, such as `/_security/` */
  register(prefix: string, filter: ExceptionFilter): void {
    this.handlers.set(prefix, handlerOf(filter));
  }

  find(path: string): FallbackHandler | undefined {
    for (const [prefix, handler] of this.handlers) if (path.startsWith(prefix)) return handler;
    return undefined;
  }
}

/** A filter's one method, by itself. */
export function handlerOf(filter: ExceptionFilter): FallbackHandler {
  return filter.catch.bind(filter);
}
