import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { CspError } from './csp-error.js';

const JSON_TYPE = /^application\/json *(;|$)/i;

interface RequestWithBody {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

/**
 * A body is JSON and says so. This also keeps out the forms of other sites: a browser sends JSON across sites only after
 * a preflight, which is answered for the origins of registered applications alone and never with credentials.
 */
@Injectable()
export class JsonBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers, body } = context.switchToHttp().getRequest<RequestWithBody>();
    const type = headers['content-type'];
    const nothingSent = type === undefined && (typeof body !== 'string' || body === '');
    if (nothingSent || JSON_TYPE.test(type ?? '')) return true;
    throw new CspError('UNSUPPORTED_MEDIA_TYPE');
  }
}
