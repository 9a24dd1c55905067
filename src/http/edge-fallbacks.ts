import { Injectable, type ExceptionFilter } from '@nestjs/common';

/**
 * Filters for what no controller sees: unknown paths, wrong methods, bodies that cannot be read. A dialect registers its
 * own for its prefix, so that even these are answered in its own words; everything else is the default filter's.
 */
@Injectable()
export class EdgeFallbacks {
  private readonly filters = new Map<string, ExceptionFilter>();

  /** @param prefix the beginning of the path, such as `/_security/` */
  register(prefix: string, filter: ExceptionFilter): void {
    this.filters.set(prefix, filter);
  }

  find(path: string): ExceptionFilter | undefined {
    for (const [prefix, filter] of this.filters) if (path.startsWith(prefix)) return filter;
    return undefined;
  }
}
