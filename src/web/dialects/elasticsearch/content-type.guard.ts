import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { ElasticsearchRequest } from './elasticsearch-answer.js';
import { unsupportedContentType } from './elasticsearch-error.js';

/** A body must say that it is JSON. Before the credentials are looked at, as in the original. */
@Injectable()
export class ContentTypeGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { body, headers } = context.switchToHttp().getRequest<ElasticsearchRequest>();
    const contentType = headers['content-type'];
    if (typeof body !== 'string' || body === '' || isJson(contentType)) return true;
    throw unsupportedContentType(contentType);
  }
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/(json|vnd\.elasticsearch\+json)\s*(;|$)/i.test(contentType ?? '');
}
