import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import {
  illegalArgument,
  incorrectMethod,
  internalError,
  missingCredentials,
  OAuthStyleError,
  requestTooLarge,
  TextError,
  unavailable,
  unsupportedContentType,
  type ElasticsearchError,
} from './elasticsearch-error.js';
import { ElasticsearchErrorDto, ElasticsearchOAuthErrorDto, ElasticsearchTextErrorDto } from './dto/errors.dto.js';
import { ROUTES } from './routes.js';

/** One thing that an operation may refuse, as it is answered. */
export type ErrorExamples = Readonly<Record<string, ElasticsearchError>>;

/** What every operation may refuse. */
function commonErrors(path: keyof typeof ROUTES): ErrorExamples {
  return {
    'unknown query parameter': illegalArgument(`request [${path}] contains unrecognized parameter: [x]`),
    'another method': incorrectMethod(path, 'PUT', ROUTES[path]),
    'no credentials': missingCredentials(path),
    'not JSON': unsupportedContentType('application/x-www-form-urlencoded'),
    'too large': requestTooLarge(),
    'a fault of this service': internalError(),
    'storage is away': unavailable(2),
  };
}

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  400: 'The request is not valid. Nothing changed.',
  401: 'A credential, a token or a password is missing or not valid. Nothing changed.',
  403: 'The caller lacks the privilege. Nothing changed.',
  404: 'There is no such token.',
  405: 'The path is known with other methods, which `Allow` has.',
  406: 'The body does not say that it is JSON.',
  413: 'The request is too large.',
  429: 'Too many attempts; `Retry-After` says when to come back.',
  500: 'A fault of this service; the log has more.',
  503: 'We cannot answer just now. It is safe to send the request again.',
};
const HEADERS: Readonly<Record<number, string>> = {
  401: 'WWW-Authenticate',
  405: 'Allow',
  429: 'Retry-After',
  503: 'Retry-After',
};

/** Documents what an operation refuses, by example, beside what every operation of the dialect may refuse. */
export function ApiElasticsearchErrors(path: keyof typeof ROUTES, examples: ErrorExamples): MethodDecorator {
  const all = Object.entries({ ...commonErrors(path), ...examples });
  const statuses = [...new Set(all.map(([, error]) => error.status))].sort((a, b) => a - b);
  return applyDecorators(
    ApiExtraModels(ElasticsearchErrorDto, ElasticsearchTextErrorDto, ElasticsearchOAuthErrorDto),
    ...statuses.map((status) => {
      const ofStatus = all.filter(([, error]) => error.status === status);
      const schemas = [...new Set(ofStatus.map(([, error]) => schemaOf(error)))].map(($ref) => ({ $ref }));
      const [only, ...more] = schemas;
      const header = HEADERS[status];
      return ApiResponse({
        status,
        description: DESCRIPTIONS[status] ?? '',
        ...(header === undefined ? {} : { headers: { [header]: { schema: { type: 'string' as const } } } }),
        content: {
          'application/json': {
            schema: only !== undefined && more.length === 0 ? only : { oneOf: schemas },
            examples: Object.fromEntries(ofStatus.map(([name, error]) => [name, { value: error.body }])),
          },
        },
      });
    }),
  );
}

function schemaOf(error: ElasticsearchError): string {
  if (error instanceof TextError) return getSchemaPath(ElasticsearchTextErrorDto);
  return getSchemaPath(error instanceof OAuthStyleError ? ElasticsearchOAuthErrorDto : ElasticsearchErrorDto);
}
