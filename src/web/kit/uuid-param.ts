import { Param, ParseUUIDPipe } from '@nestjs/common';
import { NotFoundError } from '../../platform/oidc/errors.js';

/**
 * A path parameter that is a UUID. By anything else nothing is known, and storage is not asked.
 * @param kind what is looked for, as the refusal names it
 * @throws NotFoundError, when a request comes
 */
export function UuidParam(name: string, kind: string): ParameterDecorator {
  return Param(name, new ParseUUIDPipe({ exceptionFactory: () => new NotFoundError(`There is no such ${kind}.`) }));
}
