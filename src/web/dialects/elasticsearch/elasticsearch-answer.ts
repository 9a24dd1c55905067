import {
  Injectable,
  StreamableFile,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { map, type Observable } from 'rxjs';
import { HttpEdge, type Response } from '../../kit/http-edge.js';
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

/** How every answer of this dialect leaves: product header, no-store, media type, `pretty`, `filter_path`. */
@Injectable()
export class ElasticsearchAnswers {
  constructor(
    private readonly edge: HttpEdge,
    private readonly host: HttpAdapterHost,
  ) {}

  /** For Nest to send. */
  prepare(request: ElasticsearchRequest, response: Response, answer: ElasticsearchAnswer): StreamableFile {
    const filterPath = lastOf(request, 'filter_path');
    const body = filterPath === undefined ? answer.body : filterByPath(answer.body, filterPath);
    this.head(response, answer.status);
    return toFile(request, body);
  }

  /** Sends a success where Nest does not. */
  send(request: ElasticsearchRequest, response: Response, body: object): void {
    this.host.httpAdapter.reply(response, this.prepare(request, response, new ElasticsearchAnswer(200, body)), 200);
  }

  /** Sends an error. `filter_path` is not for errors, in the original either. */
  refuse(request: ElasticsearchRequest, response: Response, error: ElasticsearchError): void {
    this.head(response, error.status);
    for (const [name, value] of Object.entries(error.headers)) this.edge.header(response, name, value);
    this.host.httpAdapter.reply(response, toFile(request, error.body), error.status);
  }

  /** The clients throw on a success without the product header, to keep off other products' servers. */
  private head(response: Response, status: number): void {
    this.host.httpAdapter.status(response, status);
    this.edge.noStore(response);
    this.edge.header(response, 'X-elastic-product', 'Elasticsearch');
  }
}

/** Checks the query of each request and dresses what its controller answers. */
@Injectable()
export class ElasticsearchAnswerInterceptor implements NestInterceptor<object, StreamableFile> {
  constructor(private readonly answers: ElasticsearchAnswers) {}

  intercept(context: ExecutionContext, next: CallHandler<object>): Observable<StreamableFile> {
    const http = context.switchToHttp();
    const request = http.getRequest<ElasticsearchRequest>();
    checkQuery(request);
    return next.handle().pipe(
      map((body) => {
        const answer = body instanceof ElasticsearchAnswer ? body : new ElasticsearchAnswer(200, body);
        return this.answers.prepare(request, http.getResponse<Response>(), answer);
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
