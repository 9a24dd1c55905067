import {
  Injectable,
  StreamableFile,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { file, type HttpResponse } from '../../kit/http-response.js';
import { ResponseWriter } from '../../kit/response-writer.js';
import { illegalArgument, shown, type ElasticsearchError } from './elasticsearch-error.js';
import { filterByPath } from './filter-path.js';
import { suggestion } from './suggestion.js';

/** What this dialect's edges read of a request, whichever HTTP adapter is in use. */
export interface ElasticsearchRequest {
  readonly method: string;
  readonly ip?: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query?: Readonly<Record<string, string | string[] | undefined>> | undefined;
  readonly body?: unknown;
}

/** A success, or an expected outcome that the original gives another status. */
export class ElasticsearchAnswer {
  constructor(
    readonly status: number,
    readonly body: object,
  ) {}
}

/** Legal on every route, whatever it does (docs/wire/elasticsearch.md#query-parameters). */
const FLAGS = ['pretty', 'human', 'error_trace'] as const;
const GENERIC_PARAMETERS = [...FLAGS, 'filter_path', 'format'];

export function pathOf(request: ElasticsearchRequest): string {
  return request.url.split('?', 1)[0] ?? '';
}

/** @throws ElasticsearchError for a query parameter that no route knows, or a flag that is neither true nor false */
export function checkQuery(request: ElasticsearchRequest): void {
  const unknown = Object.keys(request.query ?? {})
    .filter((name) => !GENERIC_PARAMETERS.includes(name))
    .sort();
  if (unknown.length > 0) {
    const listed = unknown.map((name) => {
      const hint = suggestion(name, GENERIC_PARAMETERS);
      return `[${shown(name)}]${hint === undefined ? '' : ` -> ${hint}`}`;
    });
    throw illegalArgument(
      `request [${pathOf(request)}] contains unrecognized parameter${unknown.length > 1 ? 's' : ''}: ${listed.join(', ')}`,
    );
  }
  for (const flag of FLAGS) {
    const value = lastOf(request, flag);
    if (value !== undefined && !['', 'true', 'false'].includes(value))
      throw illegalArgument(`Failed to parse value [${shown(value)}] as only [true] or [false] are allowed.`);
  }
}

/** The media type that the caller asked for: the vendor's with the version it named, else plain JSON. */
export function mediaTypeFor(accept: string | undefined): string {
  const version = /application\/vnd\.elasticsearch\+json\s*;\s*compatible-with\s*=\s*"?(\d{1,3})/i.exec(
    accept ?? '',
  )?.[1];
  return version === undefined ? 'application/json' : `application/vnd.elasticsearch+json;compatible-with=${version}`;
}

/** The body as text, as `pretty` asks for. */
export function toText(body: object, pretty: boolean): string {
  if (!pretty) return JSON.stringify(body);
  return `${JSON.stringify(body, null, 2).replaceAll(/^(\s*"(?:[^"\\]|\\.)*"):/gm, '$1 :')}\n`;
}

/** The clients throw on a success without it, to keep off other products' servers. */
const PRODUCT = ['X-elastic-product', 'Elasticsearch'] as const;

/** A response as every one of this dialect leaves: product header, no-store, media type, `pretty`, `filter_path`. */
export function toResponse(request: ElasticsearchRequest, { status, body }: ElasticsearchAnswer): HttpResponse {
  const filterPath = lastOf(request, 'filter_path');
  return file(toFile(request, filterPath === undefined ? body : filterByPath(body, filterPath)), status).with(PRODUCT);
}

/** An error as a response. `filter_path` is not for errors, in the original either. */
export function toErrorResponse(request: ElasticsearchRequest, error: ElasticsearchError): HttpResponse {
  return file(toFile(request, error.body), error.status).with(PRODUCT, ...Object.entries(error.headers));
}

/** Checks the query of each request and dresses what its controller returns. */
@Injectable()
export class ElasticsearchAnswerInterceptor implements NestInterceptor<object, unknown> {
  constructor(private readonly writer: ResponseWriter) {}

  intercept(context: ExecutionContext, next: CallHandler<object>): Observable<unknown> {
    const request = context.switchToHttp().getRequest<ElasticsearchRequest>();
    checkQuery(request);
    return next.handle().pipe(
      map((body) => {
        const answer = body instanceof ElasticsearchAnswer ? body : new ElasticsearchAnswer(200, body);
        return this.writer.prepare(context, toResponse(request, answer));
      }),
    );
  }
}

/** As bytes, since the adapter would add a charset to the media type of a text. */
function toFile(request: ElasticsearchRequest, body: object): StreamableFile {
  const bytes = Buffer.from(toText(body, isPretty(request)));
  return new StreamableFile(bytes, { type: mediaTypeFor(request.headers.accept), length: bytes.length });
}

function isPretty(request: ElasticsearchRequest): boolean {
  return ['', 'true'].includes(lastOf(request, 'pretty') ?? 'false');
}

/** Of a parameter sent twice the last one counts, as in the original. */
function lastOf(request: ElasticsearchRequest, name: string): string | undefined {
  const value = request.query?.[name];
  return Array.isArray(value) ? value.at(-1) : value;
}
