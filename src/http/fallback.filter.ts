import { Catch, type ArgumentsHost } from '@nestjs/common';
import type { EdgeFallbacks } from './edge-fallbacks.js';
import type { HttpEdge } from './http-edge.js';
import { JsonErrorFilter } from './json-error.filter.js';

/** What no controller's filter sees: unknown paths, bodies that cannot be parsed. In the words of whoever owns the path. */
@Catch()
export class FallbackFilter extends JsonErrorFilter {
  constructor(
    edge: HttpEdge,
    private readonly fallbacks: EdgeFallbacks,
  ) {
    super(edge);
  }

  override catch(error: unknown, host: ArgumentsHost): void {
    const { url = '' } = host.switchToHttp().getRequest<{ url?: string }>();
    const own = this.fallbacks.find(url);
    if (own === undefined) super.catch(error, host);
    else own.catch(error, host);
  }
}
