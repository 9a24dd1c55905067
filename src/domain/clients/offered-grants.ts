import { InvalidClientMetadataError } from '../../platform/oidc/errors.js';

/** A grant type as registration and discovery know it. What it does at the token endpoint is the business of `tokens`. */
export interface RegistrableGrant {
  /** Value of `grant_type`, and of `grant_types` in metadata. */
  readonly name: string;
  /** It begins at the authorization endpoint with this `response_type`, so its clients need a redirect URI. */
  readonly responseType?: 'code';
  /** It continues what another grant type began, and is of no use alone. */
  readonly continues?: boolean;
  /** Other grant types that its clients must have. */
  readonly needs?: readonly string[];
  /** Whether a client that proves nothing (`none`) may have it. */
  readonly publicClients: boolean;
  /** Whether discovery names it. A client may be registered for it in any case. */
  readonly inDiscovery: boolean;
}

/** RFC 7591 §2: what a client has that names none. */
export const DEFAULT_GRANT_TYPE = 'authorization_code';

/** The grant types that this installation offers, as registration asks about them. */
export class OfferedGrants<Grant extends RegistrableGrant = RegistrableGrant> {
  constructor(readonly list: readonly Grant[]) {}

  get names(): readonly string[] {
    return this.list.map(({ name }) => name);
  }

  /** Values of `grant_types_supported` (RFC 8414 §2). */
  get inDiscovery(): readonly string[] {
    return this.list.filter(({ inDiscovery }) => inDiscovery).map(({ name }) => name);
  }

  find(name: string): Grant | undefined {
    return this.list.find((grant) => grant.name === name);
  }

  /** What a client that asks for `grant_types` gets: those that are not offered are dropped (RFC 7591 §2). */
  registered(asked: readonly string[] | undefined): readonly string[] {
    if (asked === undefined) return [DEFAULT_GRANT_TYPE];
    const offered = this.list.filter(({ name }) => asked.includes(name));
    if (offered.some(({ continues }) => continues !== true)) return offered.map(({ name }) => name);
    // Only implicit or refresh_token was asked for: what remains of it here is the code flow.
    return this.names.filter((name) => name === DEFAULT_GRANT_TYPE || asked.includes(name));
  }

  /** @throws InvalidClientMetadataError where a client with these grant types lacks what one of them needs */
  check(names: readonly string[], authenticates: boolean): void {
    for (const grant of this.of(names)) {
      if (!grant.publicClients && !authenticates)
        throw new InvalidClientMetadataError(`${grant.name} needs a client that authenticates.`);
      const missing = grant.needs?.find((name) => !names.includes(name));
      if (missing !== undefined)
        throw new InvalidClientMetadataError(`${grant.name} needs the grant type ${missing} beside it.`);
    }
  }

  /** The response types that clients with these grant types use. */
  responseTypes(names: readonly string[]): ReadonlyArray<'code'> {
    return [...new Set(this.of(names).flatMap(({ responseType }) => responseType ?? []))];
  }

  private of(names: readonly string[]): readonly Grant[] {
    return this.list.filter(({ name }) => names.includes(name));
  }
}
