import { Controller, Get, Header, HttpCode, Inject } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { OfferedProofs } from '../../domain/clients/proofs/offered-proofs.js';
import { OfferedGrantTypes } from '../../domain/tokens/grants/offered-grant-types.js';
import { ID_TOKEN_ALGORITHMS, REQUEST_OBJECT_ALGORITHMS } from '../../platform/oidc/algorithms.js';
import { ID_TOKEN_CLAIMS, STANDARD_CLAIMS, STANDARD_SCOPES } from '../../platform/oidc/claims.js';
import { PASSWORD_ACR, UPSTREAM_ACR } from '../../platform/oidc/authentication-context.js';
import { Endpoints, PATHS } from '../../platform/oidc/endpoints.js';

const METADATA_EXAMPLE = {
  issuer: 'https://id.example.com',
  authorization_endpoint: 'https://id.example.com/authorize',
  token_endpoint: 'https://id.example.com/token',
  end_session_endpoint: 'https://id.example.com/session/end_session',
  jwks_uri: 'https://id.example.com/jwks',
  backchannel_logout_supported: true,
};
const METADATA = {
  description: 'What this provider offers and where.',
  content: {
    'application/json': { schema: { type: 'object' as const, additionalProperties: true }, example: METADATA_EXAMPLE },
  },
};

/**
 * Provider metadata. Written once: it follows from the settings and what is offered, and never from the request's `Host`.
 *
 * @see [OpenID Connect Discovery 1.0](https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata) §3, §4
 * @see [RFC 8414](https://www.rfc-editor.org/rfc/rfc8414#section-2) §2
 */
@ApiTags('Discovery')
@Controller()
export class DiscoveryController {
  private readonly json: string;

  constructor(@Inject(SETTINGS) settings: Settings, grants: OfferedGrantTypes, proofs: OfferedProofs) {
    this.json = JSON.stringify(providerMetadata(settings, grants, proofs));
  }

  @Get(PATHS.openidConfiguration)
  @HttpCode(200)
  @Header('Content-Type', 'application/json; charset=utf-8')
  @Header('Cache-Control', 'public, max-age=300')
  @Header('Access-Control-Allow-Origin', '*')
  @ApiOperation({ summary: 'OpenID provider metadata', description: 'OpenID Connect Discovery 1.0 §4.' })
  @ApiOkResponse(METADATA)
  openidConfiguration(): string {
    return this.json;
  }

  @Get(PATHS.authorizationServerMetadata)
  @HttpCode(200)
  @Header('Content-Type', 'application/json; charset=utf-8')
  @Header('Cache-Control', 'public, max-age=300')
  @Header('Access-Control-Allow-Origin', '*')
  @ApiOperation({ summary: 'Authorization server metadata', description: 'RFC 8414 §3.' })
  @ApiOkResponse(METADATA)
  oauthAuthorizationServer(): string {
    return this.json;
  }
}

function providerMetadata(
  { issuer, registration, requirePushedRequests }: Settings,
  grants: OfferedGrantTypes,
  proofs: OfferedProofs,
): Record<string, unknown> {
  const endpoints = new Endpoints(issuer);
  return {
    issuer,
    authorization_endpoint: endpoints.url('authorization'),
    pushed_authorization_request_endpoint: endpoints.url('pushedAuthorization'),
    ...(requirePushedRequests ? { require_pushed_authorization_requests: true } : {}),
    token_endpoint: endpoints.url('token'),
    userinfo_endpoint: endpoints.url('userinfo'),
    jwks_uri: endpoints.url('jwks'),
    ...(registration === 'off' ? {} : { registration_endpoint: endpoints.url('registration') }),
    revocation_endpoint: endpoints.url('revocation'),
    introspection_endpoint: endpoints.url('introspection'),
    end_session_endpoint: endpoints.url('endSession'),
    check_session_iframe: endpoints.url('checkSession'),
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    frontchannel_logout_supported: true,
    frontchannel_logout_session_supported: true,
    scopes_supported: STANDARD_SCOPES,
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    grant_types_supported: grants.inDiscovery,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ID_TOKEN_ALGORITHMS,
    userinfo_signing_alg_values_supported: ID_TOKEN_ALGORITHMS,
    acr_values_supported: [PASSWORD_ACR, UPSTREAM_ACR],
    token_endpoint_auth_methods_supported: proofs.methods,
    token_endpoint_auth_signing_alg_values_supported: proofs.signingAlgorithms,
    revocation_endpoint_auth_methods_supported: proofs.methods,
    revocation_endpoint_auth_signing_alg_values_supported: proofs.signingAlgorithms,
    introspection_endpoint_auth_methods_supported: proofs.authenticatingMethods,
    introspection_endpoint_auth_signing_alg_values_supported: proofs.signingAlgorithms,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    claim_types_supported: ['normal'],
    claims_supported: [...ID_TOKEN_CLAIMS, ...STANDARD_CLAIMS],
    claims_parameter_supported: true,
    prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
    display_values_supported: ['page', 'popup', 'touch', 'wap'],
    ui_locales_supported: ['en'],
    request_parameter_supported: true,
    request_object_signing_alg_values_supported: REQUEST_OBJECT_ALGORITHMS,
    // Those of pushed requests are taken all the same (RFC 9126 §5). Absent means true (Discovery 1.0 §3).
    request_uri_parameter_supported: false,
    service_documentation: endpoints.url('docs'),
  };
}
