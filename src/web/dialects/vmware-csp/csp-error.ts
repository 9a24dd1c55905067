import { ProtocolError } from '../../../platform/oidc/errors.js';

/** `moduleCode`: one constant, the only value that was ever seen of it (docs/wire/vmware-csp.md#errors). */
export const MODULE_CODE = '540';

/** `errorCode`: a symbol for each case. */
export type CspErrorCode =
  | 'INVALID_REQUEST'
  | 'INVALID_REQUEST_BODY'
  | 'ORG_LINK_INVALID'
  | 'REDIRECT_URI_NOT_REGISTERED'
  | 'ORG_NOT_FOUND'
  | 'ID_TOKEN_INVALID'
  | 'CLIENT_NOT_FOUND'
  | 'IDP_NOT_FOUND'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'ORG_MISMATCH'
  | 'USER_MISMATCH'
  | 'ORG_NOT_FEDERATED'
  | 'REQUEST_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'TOO_MANY_REQUESTS'
  | 'INTERNAL_ERROR';

export interface CspErrorKind {
  readonly status: number;
  readonly cspErrorCode: `540.${number}-${number}.${string}`;
  readonly message: string;
}

/** Numbers and symbols are for programs and never change; a new case gets a new number. */
export const CSP_ERRORS = {
  INVALID_REQUEST: { status: 400, cspErrorCode: '540.400-100.001', message: 'The request is not valid' },
  INVALID_REQUEST_BODY: { status: 400, cspErrorCode: '540.400-100.002', message: 'Invalid request body' },
  ORG_LINK_INVALID: {
    status: 400,
    cspErrorCode: '540.400-100.003',
    message: 'orgLink must have the format /csp/am/api/orgs/{orgId}',
  },
  REDIRECT_URI_NOT_REGISTERED: {
    status: 400,
    cspErrorCode: '540.400-100.004',
    message: 'post_logout_redirect_uri is not registered for the client of the ID token',
  },
  ORG_NOT_FOUND: { status: 404, cspErrorCode: '540.404-100.001', message: 'Organization not found' },
  ID_TOKEN_INVALID: { status: 404, cspErrorCode: '540.404-100.002', message: 'The ID token cannot be verified' },
  CLIENT_NOT_FOUND: { status: 404, cspErrorCode: '540.404-100.003', message: 'Client of the ID token not found' },
  IDP_NOT_FOUND: {
    status: 404,
    cspErrorCode: '540.404-100.004',
    message: 'The organization has no identity provider that signs out',
  },
  NOT_FOUND: { status: 404, cspErrorCode: '540.404-200.001', message: 'There is nothing at this address' },
  METHOD_NOT_ALLOWED: { status: 405, cspErrorCode: '540.405-200.001', message: 'Only POST is supported' },
  ORG_MISMATCH: { status: 409, cspErrorCode: '540.409-100.001', message: 'orgId and orgLink name two organizations' },
  USER_MISMATCH: {
    status: 409,
    cspErrorCode: '540.409-100.002',
    message: 'The ID token and the session belong to two users',
  },
  ORG_NOT_FEDERATED: {
    status: 409,
    cspErrorCode: '540.409-100.003',
    message: 'The organization is not federated with the issuer of the ID token',
  },
  REQUEST_TOO_LARGE: { status: 413, cspErrorCode: '540.413-200.001', message: 'The request is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, cspErrorCode: '540.415-200.001', message: 'Unsupported media type' },
  TOO_MANY_REQUESTS: {
    status: 429,
    cspErrorCode: '540.429-200.001',
    message: 'The user has sent too many requests',
  },
  INTERNAL_ERROR: {
    status: 500,
    cspErrorCode: '540.500-200.001',
    message: 'An unexpected error has occurred while processing the request',
  },
} as const satisfies Record<CspErrorCode, CspErrorKind>;

/** A request that this dialect refuses. What the answer says of it is in {@link CSP_ERRORS}. */
export class CspError extends ProtocolError {
  readonly status: number;

  /** @param retryAfterSeconds of `TOO_MANY_REQUESTS` */
  constructor(
    readonly code: CspErrorCode,
    readonly retryAfterSeconds?: number,
  ) {
    super(CSP_ERRORS[code].message);
    this.status = CSP_ERRORS[code].status;
  }
}
