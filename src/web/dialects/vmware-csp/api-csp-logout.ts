import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiHeader, ApiOperation, ApiResponse } from '@nestjs/swagger';
import { CSP_ERRORS, MODULE_CODE, type CspErrorCode } from './csp-error.js';
import { CspErrorResponseDto, IdTokenDto } from './dto/csp-logout.dto.js';

const NOTHING_CHANGED = 'Nothing changed.';
const ERRORS = [
  [
    400,
    `The body or a parameter is not valid, or the redirect URI is not registered. ${NOTHING_CHANGED}`,
    ['INVALID_REQUEST', 'INVALID_REQUEST_BODY', 'ORG_LINK_INVALID', 'REDIRECT_URI_NOT_REGISTERED'],
  ],
  [
    404,
    `The requested resource could not be found. ${NOTHING_CHANGED}`,
    ['ORG_NOT_FOUND', 'ID_TOKEN_INVALID', 'CLIENT_NOT_FOUND', 'IDP_NOT_FOUND'],
  ],
  [
    409,
    `The request could not be processed due to a conflict. ${NOTHING_CHANGED}`,
    ['ORG_MISMATCH', 'USER_MISMATCH', 'ORG_NOT_FEDERATED'],
  ],
  [413, `The body is larger than 64 KiB. ${NOTHING_CHANGED}`, ['REQUEST_TOO_LARGE']],
  [415, `The body is not \`application/json\`. ${NOTHING_CHANGED}`, ['UNSUPPORTED_MEDIA_TYPE']],
  [429, `The user has sent too many requests. ${NOTHING_CHANGED}`, ['TOO_MANY_REQUESTS']],
  [500, 'An unexpected error has occurred while processing the request, or storage failed.', ['INTERNAL_ERROR']],
] as const satisfies readonly (readonly [number, string, readonly CspErrorCode[]])[];

const REQUEST_ID = { 'X-Request-ID': { description: 'As `requestId`.', schema: { type: 'string' as const } } };
const RETRY_AFTER = { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' as const } } };

/** What both versions of the operation say of themselves: cookie, body and errors. */
export function ApiCspLogout(operation: { readonly summary: string; readonly description: string }): MethodDecorator {
  return applyDecorators(
    ApiOperation(operation),
    ApiHeader({
      name: 'Cookie',
      required: false,
      description: 'The session cookie used during login. Its session ends, unless `CSP_LOGOUT_ENDS_SESSION` is off.',
      schema: { type: 'string' },
      example: 'exeunt_session=2f3JYc0Zq1v8m3kQ',
    }),
    ApiConsumes('application/json'),
    ApiBody({
      type: IdTokenDto,
      required: true,
      description: 'Defines the properties of the ID token object.',
      examples: {
        anonymous: { summary: 'Without an ID token', value: {} },
        idToken: { summary: 'With the ID token of the login', value: { idToken: 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln' } },
      },
    }),
    ...ERRORS.map(([status, description, codes]) =>
      ApiResponse({
        status,
        description,
        type: CspErrorResponseDto,
        examples: Object.fromEntries(
          codes.map((code) => [code, { summary: CSP_ERRORS[code].message, value: errorExample(code) }]),
        ),
        headers: status === 429 ? { ...REQUEST_ID, ...RETRY_AFTER } : REQUEST_ID,
      }),
    ),
  );
}

function errorExample(errorCode: CspErrorCode): CspErrorResponseDto {
  const { status, cspErrorCode, message } = CSP_ERRORS[errorCode];
  const requestId = '0c7e51a2b9d34f60';
  return { cspErrorCode, message, errorCode, requestId, moduleCode: MODULE_CODE, statusCode: status };
}
