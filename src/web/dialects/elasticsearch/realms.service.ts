import { Inject, Injectable } from '@nestjs/common';
import type { Client } from '../../../domain/clients/client.js';
import { isOpenTo, mayServe, type Upstream } from '../../../domain/upstreams/upstream.js';
import { UpstreamsService } from '../../../domain/upstreams/upstreams.service.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { RealmAuthenticationError, UnknownRealmError } from './realm-errors.js';
import { NAME, OWN_REALM } from './vocabulary.js';

/** A realm that a facilitator may use: this provider itself, or an upstream. */
export type Realm =
  | { readonly kind: 'own'; readonly name: string; readonly redirectUri: string }
  | { readonly kind: 'upstream'; readonly name: string; readonly redirectUri: string; readonly upstream: Upstream };

/** The realms of each facilitator. Elasticsearch's word for the provider is realm; `exeunt` is this service itself. */
@Injectable()
export class Realms {
  constructor(
    private readonly upstreams: UpstreamsService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** @throws UnknownRealmError */
  async byName(facilitator: Client, name: string): Promise<Realm> {
    const realm = (await this.realmsFor(facilitator)).find((candidate) => candidate.name === name);
    if (realm === undefined) throw new UnknownRealmError(`Cannot find OpenID Connect realm with name [${name}]`);
    return realm;
  }

  /** @throws UnknownRealmError when there is none, or more than one */
  async byIssuer(facilitator: Client, issuer: string): Promise<Realm> {
    const realms = (await this.realmsFor(facilitator)).filter((candidate) => this.issuerOf(candidate) === issuer);
    if (realms.length > 1) throw new UnknownRealmError(`Found multiple OpenID Connect realm with issuer [${issuer}]`);
    const [realm] = realms;
    if (realm === undefined) throw new UnknownRealmError(`Cannot find OpenID Connect realm with issuer [${issuer}]`);
    return realm;
  }

  /**
   * Which realm's response it is. Without a name, `iss` (RFC 9207 §2) and the redirect URI say so. When that leaves a
   * choice, nothing is tried: a code goes to the provider that issued it and to no other (RFC 9700 §4.4).
   * @throws RealmAuthenticationError
   */
  async ofResponse(facilitator: Client, name: string | undefined, issuer: string | null, path: string): Promise<Realm> {
    const fitting = (await this.realmsFor(facilitator)).filter(
      (realm) => (name === undefined || realm.name === name) && (issuer === null || this.issuerOf(realm) === issuer),
    );
    const [first, ...others] =
      fitting.length > 1 ? fitting.filter((realm) => new URL(realm.redirectUri).pathname === path) : fitting;
    if (first === undefined || others.length > 0)
      throw new RealmAuthenticationError(others.length > 0 ? 'several realms fit' : 'no realm fits');
    return first;
  }

  /** @throws UnknownRealmError when the upstream of this name was removed */
  async mustExist(name: string): Promise<void> {
    if ((await this.upstreams.find(name)) === undefined)
      throw new UnknownRealmError(`Authenticating realm [${name}] does not exist`);
  }

  private issuerOf(realm: Realm): string {
    return realm.kind === 'own' ? this.settings.issuer : realm.upstream.issuer;
  }

  private async realmsFor(facilitator: Client): Promise<readonly Realm[]> {
    const [redirectUri] = facilitator.metadata.redirect_uris;
    const own: Realm[] = redirectUri === undefined ? [] : [{ kind: 'own', name: OWN_REALM, redirectUri }];
    const upstreams = (await this.upstreams.list()).filter(
      (upstream) => mayServe(upstream, facilitator.clientId) && isOpenTo(upstream, NAME),
    );
    return [
      ...own,
      ...upstreams.flatMap((upstream): Realm[] =>
        upstream.redirectUri === undefined
          ? []
          : [{ kind: 'upstream', name: upstream.name, redirectUri: upstream.redirectUri, upstream }],
      ),
    ];
  }
}
