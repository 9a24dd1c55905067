import {
  Catch,
  MethodNotAllowedException,
  NotFoundException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { isAtOrBelow, PATHS } from '../../platform/oidc/endpoints.js';
import { handlerOf, type EdgeFallbacks, type FallbackHandler } from './edge-fallbacks.js';
import { JsonErrorFilter } from './json-error.filter.js';
import { PageErrorFilter } from './page-error.filter.js';
import type { ResponseWriter } from './response-writer.js';

/** Which methods a path is served for; none when there is nothing. */
export type MethodsOf = (path: string) => readonly string[];

interface RefusedRequest {
  readonly url?: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/**
 * What no controller's filter sees, in the words of the edge that owns the path; else as the standard endpoints say it,
 * or as a page for a request that asks for HTML. A path that is served for other methods is 405 with `Allow` (RFC 9110
 * §15.5.6).
 */
@Catch()
export class FallbackFilter implements ExceptionFilter {
  private readonly standard: FallbackHandler;
  private readonly page: FallbackHandler;

  constructor(
    private readonly writer: ResponseWriter,
    private readonly fallbacks: EdgeFallbacks,
    private readonly methodsOf: MethodsOf,
  ) {
    this.standard = handlerOf(new JsonErrorFilter(writer));
    this.page = handlerOf(new PageErrorFilter(writer));
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<RefusedRequest>();
    const { url = '', method } = request;
    const path = url.split('?', 1)[0] ?? '';
    // A dialect has words of its own for a method that it does not take.
    const own = this.fallbacks.find(path);
    if (own?.ownMethods === true) return own.handle(error, host);
    const handle = own?.handle ?? (isPerson(request) ? this.page : this.standard);
    const allowed = error instanceof NotFoundException ? this.methodsOf(path) : [];
    if (allowed.length === 0 || allowed.includes(method)) return handle(error, host);
    this.writer.ahead(host, [['Allow', allowed.join(', ')]]);
    handle(new MethodNotAllowedException(), host);
  }
}

const FOR_PROGRAMS = [
  PATHS.token,
  PATHS.introspection,
  PATHS.revocation,
  PATHS.userinfo,
  PATHS.jwks,
  PATHS.registration,
  PATHS.admin,
  PATHS.health,
  PATHS.metrics,
  PATHS.wellKnown,
];

/**
 * A browser that opens an address asks for HTML. Some HTTP libraries do so by default, too, so at addresses for programs it
 * has to say that it navigates.
 */
function isPerson({ url = '', headers }: RefusedRequest): boolean {
  if (headers['sec-fetch-mode'] === 'navigate') return true;
  const path = url.split('?', 1)[0] ?? '';
  return /\btext\/html\b/i.test(headers.accept ?? '') && !FOR_PROGRAMS.some((base) => isAtOrBelow(path, base));
}
