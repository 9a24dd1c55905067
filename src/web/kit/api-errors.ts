import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { OAuthErrorDto } from './dto/oauth-error.dto.js';
import { STORAGE_IS_AWAY } from './failure.js';

const ERRORS = {
  400: {
    description: 'The request is not valid.',
    error: 'invalid_request',
    words: 'A parameter is missing, or not as it must be.',
  },
  401: {
    description: 'The caller did not prove who it is.',
    error: 'invalid_client',
    words: 'Client authentication failed.',
  },
  403: {
    description: 'The caller may not do this.',
    error: 'insufficient_scope',
    words: 'The access token was not issued for exeunt:admin.',
  },
  404: { description: 'There is no such thing.', error: 'not_found', words: 'There is no such thing.' },
  409: { description: 'It contradicts what is stored.', error: 'conflict', words: 'It contradicts what is stored.' },
  429: {
    description: 'Too many attempts; `Retry-After` says when to come back.',
    error: 'too_many_requests',
    words: 'Too many attempts.',
  },
  500: {
    description: 'A fault of this service; the log has the request id.',
    error: 'server_error',
    words: 'Something went wrong on our side.',
  },
  503: {
    description: 'Storage is away, so nothing is confirmed. Trying again does no harm.',
    error: 'temporarily_unavailable',
    words: STORAGE_IS_AWAY,
  },
} as const;

/** Documents the JSON errors that an operation can answer, always with 500 and 503 among them. */
export function ApiJsonErrors(...statuses: readonly (keyof typeof ERRORS)[]): MethodDecorator & ClassDecorator {
  const all = [...new Set([...statuses, 500 as const, 503 as const])];
  return applyDecorators(
    ...all.map((status) => {
      const { description, error, words } = ERRORS[status];
      const retry = { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' as const } } };
      return ApiResponse({
        status,
        description,
        type: OAuthErrorDto,
        example: { error, error_description: words },
        ...(status === 429 || status === 503 ? { headers: retry } : {}),
      });
    }),
  );
}

/** Documents an HTML answer. */
export function ApiPage(status: number, description: string): MethodDecorator {
  return ApiResponse({ status, description, content: { 'text/html': { schema: { type: 'string' } } } });
}

/** Documents a redirect by its `Location`. */
export function ApiSeeOther(description: string): MethodDecorator {
  return ApiResponse({
    status: 303,
    description,
    headers: { Location: { description, schema: { type: 'string', format: 'uri' } } },
  });
}
