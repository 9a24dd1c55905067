import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Endpoints } from '../../platform/oidc/endpoints.js';
import {
  codeChallengeOf,
  UpstreamAuthentications,
  type UpstreamAuthentication,
} from './upstream-authentications.service.js';
import { UpstreamClient } from './upstream-client.js';
import type { UpstreamPerson } from './upstream-person.js';
import type { Upstream } from './upstream.js';

/** What the round trip is for, and what is demanded of the sign-in there. */
export interface Departure {
  readonly interactionId: string;
  readonly browserHash: Buffer;
  readonly loginHint?: string | undefined;
  readonly prompt?: string | undefined;
  /** `max_age` as it is sent along. */
  readonly maxAge?: number | undefined;
  /** How old the sign-in may be, checked when the browser is back. */
  readonly checkedMaxAge?: number | undefined;
}

/** The way to an upstream's authorization endpoint and back, with PKCE, `state` and `nonce`. */
@Injectable()
export class UpstreamRoundTrips {
  private readonly endpoints: Endpoints;

  constructor(
    private readonly authentications: UpstreamAuthentications,
    private readonly client: UpstreamClient,
    @Inject(SETTINGS) settings: Settings,
  ) {
    this.endpoints = new Endpoints(settings.issuer);
  }

  /**
   * @returns where to send the browser
   * @throws UpstreamUnavailableError
   */
  async depart(upstream: Upstream, departure: Departure): Promise<string> {
    const { interactionId, browserHash, loginHint, prompt, maxAge, checkedMaxAge } = departure;
    const trip = await this.authentications.begin(upstream, interactionId, browserHash, checkedMaxAge);
    return this.client.authorizationUrl(upstream, {
      redirectUri: this.endpoints.upstreamCallback(upstream.name),
      state: trip.state,
      nonce: trip.nonce,
      codeChallenge: codeChallengeOf(trip.codeVerifier),
      loginHint,
      prompt,
      maxAge,
    });
  }

  /** Uses it up. Undefined: unknown, used, lapsed, another upstream's, or another browser's; then nothing happened. */
  comeBack(upstream: Upstream, state: string, browserHash: Buffer): Promise<UpstreamAuthentication | undefined> {
    return this.authentications.consume(upstream, state, browserHash);
  }

  /**
   * @param parameters as the browser brought them back
   * @throws UpstreamSignInError, UpstreamUnavailableError
   */
  redeem(upstream: Upstream, trip: UpstreamAuthentication, parameters: URLSearchParams): Promise<UpstreamPerson> {
    return this.client.redeem(upstream, {
      parameters,
      redirectUri: this.endpoints.upstreamCallback(upstream.name),
      state: trip.state,
      nonce: trip.nonce,
      codeVerifier: trip.codeVerifier,
      maxAge: trip.maxAge,
      leftAt: trip.leftAt,
    });
  }
}
