import {
  createParamDecorator,
  Inject,
  Injectable,
  SetMetadata,
  type CanActivate,
  type CustomDecorator,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Client } from '../../../domain/clients/client.js';
import { ClientAuthenticator } from '../../../domain/clients/proofs/client-authenticator.js';
import { ClientsService } from '../../../domain/clients/clients.service.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { bearerToken } from '../../kit/bearer.js';
import { Tokens } from '../../../domain/tokens/tokens.js';
import { callerName, type Caller } from './caller.js';
import { parseCredentials, secretReadings, type PresentedCredentials } from './credentials.js';
import { pathOf, type ElasticsearchRequest } from './elasticsearch-answer.js';
import {
  invalidBasicCredentials,
  missingCredentials,
  tokenExpired,
  tokenMalformed,
  unableToAuthenticate,
  unauthorizedAction,
} from './elasticsearch-error.js';
import type { Action } from './routes.js';
import type { Privilege } from './vocabulary.js';

/** Cluster privileges that a client may be registered with (`permissions`). */

interface Requirement {
  readonly privilege: Privilege;
  readonly action: Action;
}

type AuthenticatedRequest = ElasticsearchRequest & { caller?: Caller };

const REQUIREMENT = 'elasticsearch:requirement';

/** What a caller must hold, and what the refusal says it wanted. Without it any valid credential will do. */
export function RequiresPrivilege(privilege: Privilege, action: Action): CustomDecorator {
  return SetMetadata(REQUIREMENT, { privilege, action } satisfies Requirement);
}

/**
 * Lets in a caller that shows a credential of its own: `Basic`, `ApiKey`, or `Bearer` with a client's own access token.
 * The person whose tokens are dealt with is in the body; a person's token is no privilege, so it opens `_authenticate`
 * and nothing else, and only if a facilitator was given it.
 */
@Injectable()
export class FacilitatorGuard implements CanActivate {
  constructor(
    private readonly clients: ClientsService,
    private readonly authenticator: ClientAuthenticator,
    private readonly tokens: Tokens,
    private readonly reflector: Reflector,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const caller = await this.authenticate(request);
    const requirement = this.reflector.get<Requirement | undefined>(REQUIREMENT, context.getHandler());
    if (requirement !== undefined && !holds(caller, requirement.privilege))
      throw unauthorizedAction(requirement.action, callerName(caller), requirement.privilege);
    request.caller = caller;
    return true;
  }

  /** The caller for which the request's own credential stands. @throws ElasticsearchError */
  async authenticate(request: ElasticsearchRequest): Promise<Caller> {
    const path = pathOf(request);
    const presented = parseCredentials(request.headers.authorization);
    switch (presented.kind) {
      case 'none':
        throw missingCredentials(path);
      case 'malformed':
        throw invalidBasicCredentials();
      case 'bearer':
        return this.byToken(bearerToken(request.headers.authorization));
      case 'secret':
        return this.bySecret(presented, path, request.ip ?? '');
    }
  }

  private async bySecret(
    presented: Extract<PresentedCredentials, { readonly kind: 'secret' }>,
    path: string,
    address: string,
  ): Promise<Caller> {
    const client = await this.authenticator.findBySecret(secretReadings(presented), address);
    if (client !== undefined) return { kind: 'client', client, by: presented.scheme };
    // One error for an unknown client and a wrong secret, so that an attacker does not learn which clients exist.
    throw unableToAuthenticate(presented.clientId, path);
  }

  private async byToken(token: string | undefined): Promise<Caller> {
    if (token === undefined) throw tokenMalformed();
    const active = await this.tokens.findAccessToken(token);
    if (active === undefined) throw tokenExpired();
    // A token for another resource is not meant for us (RFC 9068 §4).
    const client = active.audience.includes(this.settings.issuer)
      ? await this.clients.findEnabled(active.clientId)
      : undefined;
    if (client === undefined) throw tokenExpired();
    if (active.live === undefined) return { kind: 'client', client, by: 'bearer' };
    // This surface names people by their login, which is for facilitators to know, and for no other application.
    if (client.metadata.permissions.length === 0) throw tokenExpired();
    return { kind: 'person', token: active, login: active.live.login };
  }
}

function holds(caller: Caller, privilege: Privilege): boolean {
  return caller.kind === 'client' && caller.client.metadata.permissions.includes(privilege);
}

/** The caller that {@link FacilitatorGuard} let in. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (caller === undefined) throw new Error('FacilitatorGuard is missing on this route.');
  return caller;
});

/** The client that {@link FacilitatorGuard} let in; only together with {@link RequiresPrivilege}. */
export const Facilitator = createParamDecorator((_: unknown, context: ExecutionContext): Client => {
  const { caller } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (caller?.kind !== 'client') throw new Error('RequiresPrivilege is missing on this route.');
  return caller.client;
});
