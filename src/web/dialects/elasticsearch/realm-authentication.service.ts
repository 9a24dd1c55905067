import { Inject, Injectable } from '@nestjs/common';
import { decodeJwt } from 'jose';
import { clientName, type Client } from '../../../domain/clients/client.js';
import { FacilitatorTokens } from '../../../domain/tokens/facilitator-tokens.service.js';
import type { TokenResponse } from '../../../domain/tokens/token-responder.js';
import { authorizationUrl, UpstreamClient } from '../../../domain/upstreams/upstream-client.js';
import { UpstreamSignInError, UpstreamUnavailableError } from '../../../domain/upstreams/upstream-errors.js';
import { UpstreamSessions } from '../../../domain/upstreams/upstream-sessions.service.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { PATHS } from '../../../platform/oidc/endpoints.js';
import { ProtocolError, TemporarilyUnavailableError } from '../../../platform/oidc/errors.js';
import { newSecret } from '../../../platform/oidc/secret.js';
import { Principals, type RealmTokens } from './principals.service.js';
import { RealmAuthenticationError } from './realm-errors.js';
import { Realms, type Realm } from './realms.service.js';

/** What a facilitator sends the browser off with, and keeps. */
export interface PreparedAuthentication {
  readonly redirect: string;
  readonly state: string;
  readonly nonce: string;
  readonly realm: string;
}

const SCOPE = ['openid', 'profile', 'email'];

/**
 * Sign-in by a facilitator: an application that shows pages of its own, sends the browser to a realm, and hands over what
 * it brings back.
 *
 * Nothing is stored before the browser is back: `state` and `nonce` are the facilitator's to keep
 * (docs/wire/elasticsearch.md#prepare).
 */
@Injectable()
export class RealmAuthentication {
  constructor(
    private readonly realms: Realms,
    private readonly client: UpstreamClient,
    private readonly upstreamSessions: UpstreamSessions,
    private readonly tokens: FacilitatorTokens,
    private readonly principals: Principals,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * @param request exactly one of `realm` and `issuer`
   * @throws UnknownRealmError, UpstreamUnavailableError
   */
  async prepare(
    facilitator: Client,
    request: {
      readonly realm?: string | undefined;
      readonly issuer?: string | undefined;
      readonly loginHint?: string | undefined;
      readonly state?: string | undefined;
      readonly nonce?: string | undefined;
    },
  ): Promise<PreparedAuthentication> {
    const realm =
      request.realm === undefined
        ? await this.realms.byIssuer(facilitator, request.issuer ?? '')
        : await this.realms.byName(facilitator, request.realm);
    const state = request.state ?? newSecret();
    const nonce = request.nonce ?? newSecret();
    const parameters = { redirectUri: realm.redirectUri, state, nonce, loginHint: request.loginHint };
    const redirect =
      realm.kind === 'own'
        ? authorizationUrl(`${this.settings.issuer}${PATHS.authorization}`, facilitator.clientId, SCOPE, parameters)
        : await this.client.authorizationUrl(realm.upstream, parameters);
    return { redirect, state, nonce, realm: realm.name };
  }

  /**
   * Redeems what the browser brought back, in the order of docs/wire/elasticsearch.md#authenticate, and issues our own
   * tokens for it.
   * @throws RealmAuthenticationError for everything that is wrong with it
   */
  async authenticate(
    facilitator: Client,
    request: {
      readonly redirectUri: string;
      readonly state: string;
      readonly nonce: string;
      readonly realm?: string | undefined;
    },
  ): Promise<RealmTokens> {
    const { parameters, path } = parsedRedirect(request.redirectUri);
    if (parameters.has('error')) throw new RealmAuthenticationError('the realm answered with an error');
    if (parameters.getAll('state').length !== 1 || parameters.get('state') !== request.state)
      throw new RealmAuthenticationError('state does not fit');
    if (parameters.getAll('code').length !== 1) throw new RealmAuthenticationError('there is no code');
    const realm = await this.realms.ofResponse(facilitator, request.realm, parameters.get('iss'), path);
    const issued =
      realm.kind === 'own'
        ? await this.redeemOwn(facilitator, realm, parameters.get('code') ?? '', request.nonce)
        : await this.redeemUpstream(facilitator, realm, parameters, request);
    return this.principals.describe(issued);
  }

  private async redeemOwn(facilitator: Client, realm: Realm, code: string, nonce: string): Promise<TokenResponse> {
    let issued: TokenResponse;
    try {
      issued = await this.tokens.redeem(facilitator, code, realm.redirectUri);
    } catch (error) {
      throw asRefusal(error);
    }
    if (issued.id_token === undefined || decodeJwt(issued.id_token).nonce !== nonce) {
      // The code came from another request: what it was redeemed for must not live on.
      await this.tokens.takeBack(facilitator, issued);
      throw new RealmAuthenticationError('nonce does not fit');
    }
    return issued;
  }

  private async redeemUpstream(
    facilitator: Client,
    realm: Extract<Realm, { kind: 'upstream' }>,
    parameters: URLSearchParams,
    request: { readonly state: string; readonly nonce: string },
  ): Promise<TokenResponse> {
    const { upstream } = realm;
    const browser = { address: null, userAgent: clientName(facilitator) };
    try {
      const person = await this.client.redeem(upstream, {
        parameters,
        redirectUri: realm.redirectUri,
        state: request.state,
        nonce: request.nonce,
        codeVerifier: undefined,
      });
      const signIn = await this.upstreamSessions.begin(upstream, person, browser, undefined);
      if (signIn.kind !== 'signed_in') throw new RealmAuthenticationError(signIn.kind);
      const { accountId, amr, authenticatedAt, started } = signIn;
      const session = { id: started.sessionId, accountId, authenticatedAt, amr };
      const issued = await this.tokens.issue(facilitator, session, { scope: SCOPE, upstream: upstream.name });
      if (issued === undefined) throw new RealmAuthenticationError('ended_meanwhile');
      return issued;
    } catch (error) {
      throw asRefusal(error);
    }
  }
}

/** Path and query are enough: that is all that some facilitators send (docs/wire/elasticsearch.md#authenticate). */
function parsedRedirect(redirectUri: string): { readonly parameters: URLSearchParams; readonly path: string } {
  const base = 'https://facilitator.invalid';
  if (!URL.canParse(redirectUri, base)) throw new RealmAuthenticationError('redirect_uri cannot be parsed');
  const url = new URL(redirectUri, base);
  return { parameters: url.searchParams, path: url.pathname };
}

/** Whatever is wrong with what the browser brought is one refusal; that we could not find out is not one. */
function asRefusal(error: unknown): unknown {
  if (error instanceof RealmAuthenticationError) return error;
  if (error instanceof UpstreamSignInError) return new RealmAuthenticationError(error.detail, { cause: error });
  if (error instanceof UpstreamUnavailableError || error instanceof TemporarilyUnavailableError) return error;
  if (error instanceof ProtocolError) return new RealmAuthenticationError(error.code, { cause: error });
  return error;
}
