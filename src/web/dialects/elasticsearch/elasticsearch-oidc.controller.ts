import { Body, Controller, HttpCode, Post, UseFilters, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiBasicAuth, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Client } from '../../../domain/clients/client.js';
import { RealmAuthentication } from './realm-authentication.service.js';
import { ContentTypeGuard } from './content-type.guard.js';
import {
  OidcAuthenticateRequestDto,
  OidcAuthenticateResponseDto,
  OidcLogoutRequestDto,
  OidcLogoutResponseDto,
  OidcPrepareRequestDto,
  OidcPrepareResponseDto,
} from './dto/oidc.dto.js';
import { ElasticsearchAnswerInterceptor } from './elasticsearch-answer.js';
import { ElasticsearchErrorFilter } from './elasticsearch-error.filter.js';
import {
  contentParseError,
  foreignRefreshToken,
  illegalArgument,
  requestBodyRequired,
  suppliedTokenNotValid,
  tokenMalformed,
  unableToAuthenticateAtRealm,
  unauthorizedAction,
  unknownRealm,
  validationFailed,
} from './elasticsearch-error.js';
import {
  toAuthenticateRequest,
  toAuthenticateResponse,
  toOidcLogoutRequest,
  toPrepareRequest,
  toPrepareResponse,
} from './oidc.mapper.js';
import { ApiElasticsearchErrors } from './elasticsearch-openapi.js';
import { ObjectParserPipe, OidcLogoutParserPipe } from './elasticsearch.pipe.js';
import { Facilitator, FacilitatorGuard, RequiresPrivilege } from './facilitator.guard.js';
import { OidcLogoutService } from './oidc-logout.service.js';
import { OIDC_AUTHENTICATE, OIDC_PREPARE } from './request-schemas.js';
import { ACTIONS } from './routes.js';
import { TAG } from './vocabulary.js';

/**
 * Elasticsearch's OpenID Connect APIs: an application with pages of its own, the facilitator, signs people in and out.
 *
 * @see [Elasticsearch security APIs](https://www.elastic.co/docs/api/doc/elasticsearch/group/endpoint-security)
 */
@ApiTags(TAG)
@ApiBasicAuth('facilitator')
@Controller('_security/oidc')
@UseFilters(ElasticsearchErrorFilter)
@UseGuards(ContentTypeGuard, FacilitatorGuard)
@UseInterceptors(ElasticsearchAnswerInterceptor)
export class ElasticsearchOidcController {
  constructor(
    private readonly authentication: RealmAuthentication,
    private readonly logouts: OidcLogoutService,
  ) {}

  @Post('prepare')
  @HttpCode(200)
  @RequiresPrivilege('manage_oidc', ACTIONS.prepare)
  @ApiOperation({
    summary: 'OpenID Connect prepare authentication',
    description:
      'OpenID Connect prepare authentication API. Where to send the browser, and the `state` and `nonce` to keep for it. Nothing is stored here. The realm `exeunt` is this service itself. Needs `manage_oidc`.',
  })
  @ApiBody({
    type: OidcPrepareRequestDto,
    examples: {
      'by name': { value: { realm: 'acme' } },
      'by issuer': { value: { iss: 'https://op.example.com', login_hint: 'mia@example.com' } },
    },
  })
  @ApiOkResponse({ type: OidcPrepareResponseDto })
  @ApiElasticsearchErrors('/_security/oidc/prepare', {
    'no realm': validationFailed('one of [realm, issuer] must be provided'),
    'two realms': validationFailed('only one of [realm, issuer] can be provided in the same request'),
    'unknown realm': unknownRealm('Cannot find OpenID Connect realm with name [x]'),
    'unknown issuer': unknownRealm('Cannot find OpenID Connect realm with issuer [x]'),
    'no privilege': unauthorizedAction(ACTIONS.prepare, 'ledger', 'manage_oidc'),
  })
  async prepare(
    @Body(new ObjectParserPipe(OIDC_PREPARE)) body: OidcPrepareRequestDto,
    @Facilitator() facilitator: Client,
  ): Promise<OidcPrepareResponseDto> {
    return toPrepareResponse(await this.authentication.prepare(facilitator, toPrepareRequest(body)));
  }

  @Post('authenticate')
  @HttpCode(200)
  @RequiresPrivilege('manage_oidc', ACTIONS.authenticate)
  @ApiOperation({
    summary: 'OpenID Connect authenticate',
    description:
      'OpenID Connect authenticate API: sign in with what the browser brought back. Redeems the code at the realm, begins a session, and answers with tokens that this service issued. Whatever is wrong with what the browser brought is one and the same 401. Needs `manage_oidc`.',
  })
  @ApiBody({ type: OidcAuthenticateRequestDto })
  @ApiOkResponse({ type: OidcAuthenticateResponseDto })
  @ApiElasticsearchErrors('/_security/oidc/authenticate', {
    'fields missing': validationFailed(
      'state parameter is missing',
      'nonce parameter is missing',
      'redirect_uri parameter is missing',
    ),
    'not authenticated': unableToAuthenticateAtRealm(),
    'no privilege': unauthorizedAction(ACTIONS.authenticate, 'ledger', 'manage_oidc'),
  })
  async authenticate(
    @Body(new ObjectParserPipe(OIDC_AUTHENTICATE)) body: OidcAuthenticateRequestDto,
    @Facilitator() facilitator: Client,
  ): Promise<OidcAuthenticateResponseDto> {
    return toAuthenticateResponse(await this.authentication.authenticate(facilitator, toAuthenticateRequest(body)));
  }

  @Post('logout')
  @HttpCode(200)
  @RequiresPrivilege('manage_oidc', ACTIONS.logout)
  @ApiOperation({
    summary: 'OpenID Connect logout',
    description:
      'OpenID Connect logout API: submits a request to invalidate a refresh token and an access token. Invalidates the access token and, if it is sent, the refresh token, ends the session for every application in it, and answers where the browser may sign out at the provider as well. The application cannot choose where it goes from there. Calling it again is success. Needs `manage_oidc`.',
  })
  @ApiBody({
    type: OidcLogoutRequestDto,
    examples: {
      both: {
        value: {
          token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2ln',
          refresh_token: 'vLBPvmAB6KvwvJZr27cSvLBPvmAB6KvwvJZr27cS-_0',
        },
      },
      'access token alone': {
        value: { token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2ln' },
      },
    },
  })
  @ApiOkResponse({ type: OidcLogoutResponseDto })
  @ApiElasticsearchErrors('/_security/oidc/logout', {
    'no body': requestBodyRequired(),
    'no token': validationFailed('token is missing'),
    'two different tokens': validationFailed('only one of [token, access_token] can be provided in the same request'),
    'unknown field': contentParseError('[1:2] [oidc_logout] unknown field [x]'),
    'empty refresh token': illegalArgument('refresh token must be provided'),
    'refresh token of another person': foreignRefreshToken(),
    'not an OpenID Connect token': illegalArgument('Access token is not valid for an OpenID Connect realm'),
    'unknown token': suppliedTokenNotValid(),
    'malformed refresh token': tokenMalformed(),
    'no privilege': unauthorizedAction(ACTIONS.logout, 'ledger', 'manage_oidc'),
  })
  async logout(
    @Body(OidcLogoutParserPipe) body: OidcLogoutRequestDto,
    @Facilitator() facilitator: Client,
  ): Promise<OidcLogoutResponseDto> {
    return { redirect: await this.logouts.logout(facilitator, toOidcLogoutRequest(body)) };
  }
}
