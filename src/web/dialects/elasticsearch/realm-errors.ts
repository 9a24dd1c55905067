import { ProtocolError } from '../../../platform/oidc/errors.js';

/** No realm is named so, or none that the caller may use. */
export class UnknownRealmError extends ProtocolError {
  readonly code = 'unknown_realm';
  readonly status = 400;
}

/** The person could not be authenticated by way of a realm. Callers learn no more; `detail` is for the log. */
export class RealmAuthenticationError extends ProtocolError {
  readonly code = 'authentication_failed';
  readonly status = 401;

  constructor(
    readonly detail: string,
    options?: { readonly cause?: unknown },
  ) {
    super('The person could not be authenticated.', options);
  }
}
