import { Injectable, SetMetadata, type CanActivate, type CustomDecorator, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { InvalidRequestError } from '../../platform/oidc/errors.js';
import { textProblem } from '../../platform/oidc/text.js';

/** Where `@ApiConsumes` keeps its arguments. */
const CONSUMES = 'swagger/apiConsumes';
const READS_ITS_OWN = 'http:reads-its-own-parameters';

interface GuardedRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
}

/**
 * For an operation that asks {@link textProblem} itself, because its refusal is another one than `invalid_request`: a
 * redirect to the application, or an error about client metadata.
 */
export function ReadsItsOwnParameters(): CustomDecorator {
  return SetMetadata(READS_ITS_OWN, true);
}

interface Rules {
  /** Undefined: JSON. */
  readonly mediaTypes: readonly string[] | undefined;
  readonly readsItsOwn: boolean;
}

/**
 * Every request passes here, before anything of it is used: what its path, query and body say is well-formed text of a
 * bounded depth, and the body has the media type of its surface. A refusal is answered by the filter of the surface.
 */
@Injectable()
export class RequestGuard implements CanActivate {
  private readonly rules = new WeakMap<object, WeakMap<object, Rules>>();

  /** @param readsOwnBody of a path: it takes bodies of any type, and refuses them by guards of its own */
  constructor(
    private readonly reflector: Reflector,
    private readonly readsOwnBody: (path: string) => boolean,
  ) {}

  /** @throws InvalidRequestError */
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<GuardedRequest>();
    const { mediaTypes, readsItsOwn } = this.rulesOf(context);
    if (!this.readsOwnBody(request.path)) checkMediaType(request, mediaTypes);
    refuseBadText(request.params);
    if (!readsItsOwn) for (const part of [request.query, request.body]) refuseBadText(part);
    return true;
  }

  /** What the handler was declared with: looked up once for each handler, and class that it is of. */
  private rulesOf(context: ExecutionContext): Rules {
    const [handler, controller] = [context.getHandler(), context.getClass()];
    let ofHandler = this.rules.get(handler);
    if (ofHandler === undefined) this.rules.set(handler, (ofHandler = new WeakMap()));
    let rules = ofHandler.get(controller);
    if (rules === undefined) ofHandler.set(controller, (rules = this.declared([handler, controller])));
    return rules;
  }

  private declared(place: Parameters<Reflector['getAllAndOverride']>[1]): Rules {
    return {
      mediaTypes: this.reflector.getAllAndOverride<readonly string[] | undefined>(CONSUMES, place),
      readsItsOwn: this.reflector.getAllAndOverride<boolean | undefined>(READS_ITS_OWN, place) === true,
    };
  }
}

/** @throws InvalidRequestError that names the member and quotes nothing */
export function refuseBadText(value: unknown): void {
  const problem = textProblem(value);
  if (problem !== undefined) throw new InvalidRequestError(problem.words);
}

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';

/**
 * A body has the media type that the operation is described with (`@ApiConsumes`), JSON where it says none. The other
 * parser would make values of types and repeats that the rules of the surface know nothing of (RFC 6749 §3.2, OpenID
 * Connect Core 1.0 §3.1.2.1, RFC 7591 §3.1).
 */
function checkMediaType({ headers }: GuardedRequest, described: readonly string[] | undefined): void {
  if (!hasBody(headers)) return;
  const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const taken = described ?? [JSON_TYPE];
  if (taken.includes(type) || (type === '' && taken.includes(FORM_TYPE))) return;
  throw new InvalidRequestError(
    taken.includes(JSON_TYPE)
      ? 'The body must be JSON, sent with Content-Type: application/json.'
      : 'The body must be application/x-www-form-urlencoded.',
  );
}

/** RFC 9112 §6.3 */
function hasBody(headers: GuardedRequest['headers']): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
