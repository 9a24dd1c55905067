/** One entry of `root_cause`, and the outer error with it. */
export interface ErrorCause {
  readonly type: string;
  readonly reason: string;
  readonly header?: { readonly 'WWW-Authenticate': string | readonly string[] };
}

/** An answer of this dialect that is no success: status, body and headers. Texts are the original's, to the letter. */
export abstract class ElasticsearchError extends Error {
  abstract readonly status: number;
  abstract readonly body: object;
  readonly headers: Readonly<Record<string, string>> = {};
}

/** `{"error": {root_cause, type, reason}, "status"}`. The client believes `status` in the body, so it is the HTTP one. */
export class ObjectError extends ElasticsearchError {
  override readonly headers: Readonly<Record<string, string>>;

  /**
   * @param type an exception's name in snake case
   * @param options.challenges values of `WWW-Authenticate`; one is a string in the body, several an array
   */
  constructor(
    readonly status: number,
    readonly type: string,
    readonly reason: string,
    private readonly options: {
      readonly challenges?: readonly string[];
      readonly retryAfterSeconds?: number | undefined;
    } = {},
  ) {
    super(reason);
    const { challenges, retryAfterSeconds } = options;
    this.headers = {
      // RFC 9110 §11.6.1: several challenges may share one field.
      ...(challenges === undefined ? {} : { 'WWW-Authenticate': challenges.join(', ') }),
      ...(retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) }),
    };
  }

  get body(): object {
    const { challenges } = this.options;
    const cause: ErrorCause = {
      type: this.type,
      reason: this.reason,
      ...(challenges === undefined
        ? {}
        : { header: { 'WWW-Authenticate': challenges.length === 1 ? (challenges[0] ?? '') : challenges } }),
    };
    return { error: { root_cause: [cause], ...cause }, status: this.status };
  }
}

/** `{"error": "<text>", "status"}`: what a router says before a handler sees the request. */
export class TextError extends ElasticsearchError {
  override readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly status: number,
    readonly text: string,
    allow?: readonly string[],
  ) {
    super(text);
    this.headers = allow === undefined ? {} : { Allow: allow.join(', ') };
  }

  get body(): object {
    return { error: this.text, status: this.status };
  }
}

/** `{"error", "error_description"}`, always 400: what `POST /_security/oauth2/token` says of the token request itself. */
export class OAuthStyleError extends ElasticsearchError {
  readonly status = 400;

  constructor(
    readonly code: string,
    readonly description: string,
  ) {
    super(description);
  }

  get body(): object {
    return { error: this.code, error_description: this.description };
  }
}

/**
 * Deviates: the original answers 500 when a realm is not known. A caller's slip of the pen must not raise an alert, and
 * clients count 5xx against the node.
 */
export const UNKNOWN_REALM_STATUS = 400;

const CHALLENGES = ['Basic realm="security", charset="UTF-8"', 'Bearer realm="security"'];
const OIDC_AUTHENTICATE = 'cluster:admin/xpack/security/oidc/authenticate';
const SHOWN_NAME_LENGTH = 255;

/** What callers sent is shown so that they find it, but not at any length. */
export function shown(text: string): string {
  return text.length > SHOWN_NAME_LENGTH ? `${text.slice(0, SHOWN_NAME_LENGTH)}...` : text;
}

export function unauthorized(reason: string, challenges: readonly string[] = CHALLENGES): ObjectError {
  return new ObjectError(401, 'security_exception', reason, { challenges });
}

export function missingCredentials(path: string): ObjectError {
  return unauthorized(`missing authentication credentials for REST request [${shown(path)}]`);
}

export function invalidBasicCredentials(): ObjectError {
  return unauthorized('invalid basic authentication header value');
}

export function unableToAuthenticate(user: string, path: string): ObjectError {
  return unauthorized(`unable to authenticate user [${shown(user)}] for REST request [${shown(path)}]`);
}

/** The one answer to every failed authentication at a realm, whatever failed; the reason is for the log alone. */
export function unableToAuthenticateAtRealm(): ObjectError {
  return unauthorized(`unable to authenticate user [<OIDC Token>] for action [${OIDC_AUTHENTICATE}]`);
}

/** A password that is not right. */
export function unableToAuthenticateForAction(user: string, action: string): ObjectError {
  return unauthorized(`unable to authenticate user [${shown(user)}] for action [${action}]`);
}

export function tokenExpired(): ObjectError {
  return unauthorized('token expired', [
    'Bearer realm="security", error="invalid_token", error_description="The access token expired"',
  ]);
}

export function tokenMalformed(): ObjectError {
  return unauthorized('token malformed', [
    'Bearer realm="security", error="invalid_token", error_description="The access token is malformed"',
  ]);
}

/** Deviates: the original answers 500 since 8.0; its documentation says 401, as it did before. */
export function suppliedTokenNotValid(): ObjectError {
  return unauthorized('supplied token is not valid');
}

export function unauthorizedAction(action: string, user: string, privilege: string): ObjectError {
  return new ObjectError(
    403,
    'security_exception',
    `action [${action}] is unauthorized for user [${shown(user)}], this action is granted by the cluster privileges [${privilege}]`,
  );
}

export function unknownRealm(reason: string): ObjectError {
  return new ObjectError(UNKNOWN_REALM_STATUS, 'security_exception', reason);
}

/** A refresh token that does not belong to the person who is logged out. */
export function foreignRefreshToken(): ObjectError {
  return new ObjectError(400, 'security_exception', 'invalid_grant');
}

export function illegalArgument(reason: string, status = 400): ObjectError {
  return new ObjectError(status, 'illegal_argument_exception', reason);
}

export function requestBodyRequired(): ObjectError {
  return new ObjectError(400, 'parse_exception', 'request body is required');
}

export function contentParseError(reason: string): ObjectError {
  return new ObjectError(400, 'x_content_parse_exception', reason);
}

/** `Validation Failed: 1: …;2: …;` */
export function validationText(problems: readonly string[]): string {
  return `Validation Failed: ${problems.map((problem, index) => `${index + 1}: ${problem};`).join('')}`;
}

export function validationFailed(...problems: readonly string[]): ObjectError {
  return new ObjectError(400, 'action_request_validation_exception', validationText(problems));
}

/** 429 and not 503: the clients send a 503 again by themselves. */
export function tooManyRequests(retryAfterSeconds: number): ObjectError {
  return new ObjectError(429, 'es_rejected_execution_exception', 'Too many attempts.', { retryAfterSeconds });
}

export function requestTooLarge(): ObjectError {
  return new ObjectError(413, 'content_too_long_exception', 'The request is too large.');
}

/** The clients send it again by themselves, which is safe: ending what has ended is success. */
export function unavailable(retryAfterSeconds: number | undefined): ObjectError {
  return new ObjectError(503, 'exception', 'We cannot answer just now. Please try again.', { retryAfterSeconds });
}

export function internalError(): ObjectError {
  return new ObjectError(500, 'exception', 'Something went wrong on our side.');
}

export function incorrectMethod(path: string, method: string, allowed: readonly string[]): TextError {
  const text = `Incorrect HTTP method for uri [${shown(path)}] and method [${method}], allowed: [${allowed.join(', ')}]`;
  return new TextError(405, text, allowed);
}

/** 406 and not 415: so does the original. */
export function unsupportedContentType(contentType: string | undefined): TextError {
  return new TextError(
    406,
    contentType === undefined || contentType === ''
      ? 'Content-Type header is missing'
      : `Content-Type header [${shown(contentType)}] is not supported`,
  );
}

export function noHandler(path: string, method: string): TextError {
  return new TextError(400, `no handler found for uri [${shown(path)}] and method [${method}]`);
}
