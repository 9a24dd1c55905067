import { ProtocolError } from '../../platform/oidc/errors.js';
import type { LogoutTokenRefusal } from '../../platform/oidc/logout-token-refusals.js';

/**
 * The upstream cannot be reached, or does not publish what it must. Nothing was decided: whatever was asked for may be
 * tried again. `cause` never leaves the process.
 */
export class UpstreamUnavailableError extends ProtocolError {
  readonly code = 'temporarily_unavailable';
  readonly status = 503;
  readonly retryAfterSeconds = 5;
}

/** The upstream's answer to a sign-in does not prove who the person is. `detail` is for the log, and holds no token. */
export class UpstreamSignInError extends ProtocolError {
  readonly code = 'upstream_sign_in_failed';
  readonly status = 400;

  constructor(
    readonly detail: string,
    options?: { readonly cause?: unknown },
  ) {
    super('The other provider did not sign you in.', options);
  }
}

/** It does not prove that the person was asked as lately as was demanded (`prompt=login`, `max_age`). */
export class UpstreamNotFreshError extends UpstreamSignInError {}

/** A logout token that must not be obeyed (Back-Channel Logout 1.0 §2.6). `reason` is for metrics. */
export class InvalidLogoutTokenError extends ProtocolError {
  readonly code = 'invalid_request';
  readonly status = 400;

  constructor(
    description: string,
    readonly reason: LogoutTokenRefusal = 'malformed',
    options?: { readonly cause?: unknown },
  ) {
    super(description, options);
  }
}

/** A logout token that was obeyed before (Back-Channel Logout 1.0 §2.6, step 8). */
export class ReplayedLogoutTokenError extends ProtocolError {
  readonly code = 'invalid_request';
  readonly status = 400;
}
