import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { catchError, map, throwError, type Observable } from 'rxjs';
import type { Browser } from './browser.js';
import type { SetCookie } from './cookies.js';
import { HttpResponse } from './http-response.js';
import { ResponseWriter } from './response-writer.js';

/** A failure, with the cookies that were decided before it. Of its own, since an error may belong to several requests. */
class FailedWithCookies extends Error {
  constructor(
    override readonly cause: unknown,
    readonly cookies: readonly SetCookie[],
  ) {
    super('The request failed after its cookies were decided.');
  }
}

/**
 * Does the rest of a request whose outcome for the browser's cookies is decided already: what fails in there is answered
 * with them too. A session that has begun is not lost to its browser because the page after it failed.
 */
export async function keepingCookies<Result>(browser: Browser, rest: () => Promise<Result>): Promise<Result> {
  try {
    return await rest();
  } catch (error) {
    throw error instanceof FailedWithCookies ? error : new FailedWithCookies(error, browser.changes);
  }
}

/**
 * Writes what handlers return, where that is an {@link HttpResponse}; everything else is Nest's to send. Bound by class
 * (`@PageController`, `@UseInterceptors`) and not for all: with an interceptor around it, a handler of server-sent
 * events runs only once its response has begun, and could not refuse any more.
 */
@Injectable()
export class ResponseInterceptor implements NestInterceptor {
  constructor(private readonly writer: ResponseWriter) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      map((result: unknown) => (result instanceof HttpResponse ? this.writer.prepare(context, result) : result)),
      catchError((error: unknown) => {
        if (!(error instanceof FailedWithCookies)) return throwError(() => error);
        this.writer.ahead(context, [], error.cookies);
        return throwError(() => error.cause);
      }),
    );
  }
}
