import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { handlerOf, type EdgeFallbacks, type FallbackHandler } from './edge-fallbacks.js';
import type { HttpEdge } from './http-edge.js';
import { JsonErrorFilter } from './json-error.filter.js';

/** What no controller's filter sees, in the words of whoever owns the path; else as the standard endpoints say it. */
@Catch()
export class FallbackFilter implements ExceptionFilter {
  private readonly standard: FallbackHandler;

  constructor(
    edge: HttpEdge,
    private readonly fallbacks: EdgeFallbacks,
  ) {
    this.standard = handlerOf(new JsonErrorFilter(edge));
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const { url = '' } = host.switchToHttp().getRequest<{ url?: string }>();
    const handle = this.fallbacks.find(url) ?? this.standard;
    handle(error, host);
  }
}
