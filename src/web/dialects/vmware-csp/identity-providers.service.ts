import { Inject, Injectable } from '@nestjs/common';
import { OrganizationsService, type Organization } from '../../../domain/upstreams/organizations.service.js';
import { UpstreamLogout } from '../../../domain/upstreams/upstream-logout.service.js';
import { isOpenTo, type Upstream } from '../../../domain/upstreams/upstream.js';
import { UpstreamsService } from '../../../domain/upstreams/upstreams.service.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { PATHS } from '../../../platform/oidc/endpoints.js';
import { CspError } from './csp-error.js';
import { checkFederated, requestedOrgId, type CspCaller, type CspLogoutRequest } from './vmware-csp.mapper.js';
import { NAME } from './vocabulary.js';

/** `upstream` is undefined where we are the identity provider ourselves. */
export interface IdentityProvider {
  readonly upstream: Upstream | undefined;
  readonly endSessionEndpoint: string;
}

/** Finds the identity provider that a CSP logout leads to, from the registry and never from the request. */
@Injectable()
export class IdentityProviders {
  constructor(
    private readonly organizations: OrganizationsService,
    private readonly upstreams: UpstreamsService,
    private readonly upstreamLogout: UpstreamLogout,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * The organization's; without one, that of the ID token, of the session that the cookie proves, of the default
   * organization (docs/wire/vmware-csp.md#organization).
   */
  async of(request: CspLogoutRequest, { idToken, session }: CspCaller): Promise<IdentityProvider> {
    const org = await this.findOrganization(request);
    if (org !== undefined) checkFederated(org, idToken);
    if (idToken?.issuer === 'upstream') return this.usable(idToken.upstream);
    if (org === undefined && session?.upstream !== undefined) {
      const found = await this.findUsable(await this.upstreams.find(session.upstream.name));
      // One that cannot be used is no reason to strand the person.
      if (found !== undefined) return found;
    }
    const { upstream } = org ?? (await this.organizations.default());
    if (upstream === undefined)
      return { upstream: undefined, endSessionEndpoint: `${this.settings.issuer}${PATHS.endSession}` };
    return this.usable(await this.upstreams.find(upstream));
  }

  private async findOrganization(request: CspLogoutRequest): Promise<Organization | undefined> {
    const orgId = requestedOrgId(request);
    if (orgId === undefined) return undefined;
    const org = await this.organizations.find(orgId);
    if (org === undefined) throw new CspError('ORG_NOT_FOUND');
    return org;
  }

  private async usable(upstream: Upstream | undefined): Promise<IdentityProvider> {
    const found = await this.findUsable(upstream);
    if (found === undefined) throw new CspError('IDP_NOT_FOUND');
    return found;
  }

  private async findUsable(upstream: Upstream | undefined): Promise<IdentityProvider | undefined> {
    if (upstream === undefined || !isOpenTo(upstream, NAME)) return undefined;
    const endSessionEndpoint = await this.upstreamLogout.endSessionEndpoint(upstream);
    return endSessionEndpoint === undefined ? undefined : { upstream, endSessionEndpoint };
  }
}
