import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { InvalidRequestError } from '../../platform/oidc/errors.js';

const FORM = /^application\/x-www-form-urlencoded *(;|$)/i;

/**
 * Parameters come as a form and as nothing else (RFC 6749 §3.2, RFC 7009 §2.1, RFC 7662 §2.1): JSON, which the admin
 * API's parser would take, has types and repeats that OAuth's rules know nothing of.
 */
@Injectable()
export class FormBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers: Readonly<Record<string, string | undefined>> }>();
    const type = headers['content-type'];
    if (type === undefined || FORM.test(type)) return true;
    throw new InvalidRequestError('The body must be application/x-www-form-urlencoded.');
  }
}
