import { ValidationPipe, type ArgumentMetadata, type ValidationError } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import { accepted } from './accepted.js';
import { unknownMember } from '../../platform/oidc/similar-names.js';
import { InvalidRequestError, type ProtocolError } from '../../platform/oidc/errors.js';

/**
 * OAuth's rules for parameters: unknown ones are ignored, one without a value counts as not sent, one sent twice is an
 * error (RFC 6749 §3.1, §3.2). A repeated parameter arrives as an array, which `@IsString()` refuses.
 */
export class OAuthParametersPipe extends ValidationPipe {
  constructor() {
    super({
      whitelist: true,
      transform: true,
      stopAtFirstError: true,
      exceptionFactory: (errors) => new InvalidRequestError(describeErrors(errors)),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type !== 'body' && metadata.type !== 'query') return value;
    return this.accepted(value, metadata) ?? super.transform(withoutEmpty(value), metadata);
  }

  /** The short way for what every rule agrees to; a test compares it with the ordinary one. */
  protected accepted(value: unknown, { metatype }: ArgumentMetadata): object | undefined {
    if (metatype === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return accepted(metatype, value);
  }
}

/** The admin API's rules: an unknown member is most likely a misspelt one, so it is refused. */
export class StrictJsonPipe extends ValidationPipe {
  constructor() {
    super({
      whitelist: true,
      forbidNonWhitelisted: true,
      transform: true,
      transformOptions: { enableImplicitConversion: false },
      stopAtFirstError: true,
      // For the names of what a DTO has; nothing of what was sent is shown.
      validationError: { target: true },
      exceptionFactory: (errors): ProtocolError => new InvalidRequestError(describeErrors(errors)),
    });
  }
}

function withoutEmpty(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== ''));
}

/** A member that the DTO does not have, with the one of its members that was probably meant. */
function unknownProperty({ constraints, target, property }: ValidationError): string | undefined {
  if (constraints?.whitelistValidation === undefined || target === undefined) return undefined;
  const known = getMetadataStorage().getTargetValidationMetadatas(target.constructor, '', true, false);
  return unknownMember(property, [...new Set(known.map(({ propertyName }) => propertyName))]);
}

/** Names the first field and its problem; never a value. */
export function describeErrors(errors: readonly ValidationError[]): string {
  const [error] = errors;
  if (error === undefined) return 'The request is not valid.';
  if (error.constraints === undefined && error.children !== undefined && error.children.length > 0)
    return describeErrors(error.children);
  const problem =
    unknownProperty(error) ?? Object.values(error.constraints ?? {})[0] ?? `${error.property} is not valid`;
  return Array.isArray(error.value) && !/array/.test(problem) ? `${error.property} must be sent once.` : `${problem}.`;
}
