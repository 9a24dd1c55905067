import { Body, Controller, Delete, HttpCode, Ip, Post, UseFilters, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiBasicAuth, ApiBody, ApiOkResponse, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Client } from '../../../domain/clients/client.js';
import { IssuedTokensService, type Invalidation } from '../../../domain/tokens/issued-tokens.service.js';
import { TokenIssuing } from './token-issuing.service.js';
import { ContentTypeGuard } from './content-type.guard.js';
import {
  CreateTokenRequestDto,
  CreateTokenResponseDto,
  InvalidateTokenRequestDto,
  InvalidateTokenResponseDto,
} from './dto/token.dto.js';
import { ElasticsearchAnswer, ElasticsearchAnswerInterceptor } from './elasticsearch-answer.js';
import { ElasticsearchErrorFilter } from './elasticsearch-error.filter.js';
import {
  contentParseError,
  OAuthStyleError,
  tooManyRequests,
  unableToAuthenticateForAction,
  unauthorizedAction,
  validationFailed,
  validationText,
} from './elasticsearch-error.js';
import {
  invalidationStatus,
  toClientTokenResponse,
  toCreateTokenRequest,
  toCreateTokenResponse,
  toInvalidateTokenRequest,
  toInvalidateTokenResponse,
  type InvalidateTokenRequest,
} from './token.mapper.js';
import { ApiElasticsearchErrors } from './elasticsearch-openapi.js';
import { ObjectParserPipe } from './elasticsearch.pipe.js';
import { Facilitator, FacilitatorGuard, RequiresPrivilege } from './facilitator.guard.js';
import { CREATE_TOKEN, INVALIDATE_TOKEN } from './request-schemas.js';
import { ACTIONS } from './routes.js';
import { TAG } from './vocabulary.js';

/** Elasticsearch's token service, over the tokens of this one. */
@ApiTags(TAG)
@ApiBasicAuth('facilitator')
@Controller('_security/oauth2/token')
@UseFilters(ElasticsearchErrorFilter)
@UseGuards(ContentTypeGuard, FacilitatorGuard)
@UseInterceptors(ElasticsearchAnswerInterceptor)
export class ElasticsearchTokenController {
  constructor(
    private readonly issuing: TokenIssuing,
    private readonly issued: IssuedTokensService,
  ) {}

  @Post()
  @HttpCode(200)
  @RequiresPrivilege('manage_token', ACTIONS.createToken)
  @ApiOperation({
    summary: 'Get token',
    description:
      'Get token API. By a person’s password, by a refresh token, or for the calling client itself. A refresh token works once and for the client that it was issued to; repeated within 30 seconds it gets the same answer. Needs `manage_token`.',
  })
  @ApiBody({
    type: CreateTokenRequestDto,
    examples: {
      refresh_token: {
        value: { grant_type: 'refresh_token', refresh_token: 'vLBPvmAB6KvwvJZr27cSvLBPvmAB6KvwvJZr27cS-_0' },
      },
      password: {
        value: { grant_type: 'password', username: 'mia@example.com', password: 'correct horse battery staple' },
      },
      client_credentials: { value: { grant_type: 'client_credentials' } },
    },
  })
  @ApiOkResponse({ type: CreateTokenResponseDto })
  @ApiElasticsearchErrors('/_security/oauth2/token', {
    'unknown grant type': new OAuthStyleError(
      'unsupported_grant_type',
      validationText(['grant_type only supports the values: [password, refresh_token, client_credentials]']),
    ),
    'fields of another grant type': new OAuthStyleError(
      'invalid_request',
      validationText(['username is not supported with the refresh_token grant_type', 'refresh_token is missing']),
    ),
    'refresh token not good': new OAuthStyleError('invalid_grant', 'could not refresh the requested token'),
    'wrong password': unableToAuthenticateForAction('mia@example.com', ACTIONS.createToken),
    'no privilege': unauthorizedAction(ACTIONS.createToken, 'ledger', 'manage_token'),
    'too many attempts': tooManyRequests(30),
  })
  async create(
    @Body(new ObjectParserPipe(CREATE_TOKEN)) body: CreateTokenRequestDto,
    @Facilitator() facilitator: Client,
    @Ip() address: string,
  ): Promise<CreateTokenResponseDto> {
    const request = toCreateTokenRequest(body);
    switch (request.grantType) {
      case 'password': {
        const { username, password } = request;
        return toCreateTokenResponse(
          await this.issuing.byPassword(facilitator, username, password, address),
          body.scope,
        );
      }
      case 'refresh_token':
        return toCreateTokenResponse(await this.issuing.byRefreshToken(facilitator, request.refreshToken), body.scope);
      case 'client_credentials':
        return toClientTokenResponse(await this.issuing.forClient(facilitator, address), facilitator, body.scope);
    }
  }

  @Delete()
  @HttpCode(200)
  @RequiresPrivilege('manage_token', ACTIONS.invalidateToken)
  @ApiOperation({
    summary: 'Invalidate token',
    description:
      'Invalidate token API. One access token, one refresh token, or everything that the calling client was given for a realm or a person. No session ends by it, and the other token of a pair stays. Needs `manage_token`.',
  })
  @ApiBody({
    type: InvalidateTokenRequestDto,
    examples: {
      'an access token': {
        value: { token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2ln' },
      },
      'a refresh token': { value: { refresh_token: 'vLBPvmAB6KvwvJZr27cSvLBPvmAB6KvwvJZr27cS-_0' } },
      'a realm': { value: { realm_name: 'acme' } },
      'a person in a realm': { value: { realm_name: 'acme', username: 'mia@example.com' } },
    },
  })
  @ApiOkResponse({ type: InvalidateTokenResponseDto })
  @ApiElasticsearchErrors('/_security/oauth2/token', {
    nothing: validationFailed('token string must be provided when not specifying a realm name or a username'),
    'a token and a realm': validationFailed(
      'token string must not be provided when realm name or username is specified',
      'token type must not be provided when realm name or username is specified',
    ),
    'both tokens': contentParseError('only one of [token, refresh_token] may be sent per request'),
    'no privilege': unauthorizedAction(ACTIONS.invalidateToken, 'ledger', 'manage_token'),
  })
  @ApiResponse({
    status: 404,
    description: 'There is no such token of the caller’s.',
    type: InvalidateTokenResponseDto,
    example: { invalidated_tokens: 0, previously_invalidated_tokens: 0, error_count: 0 },
  })
  async invalidate(
    @Body(new ObjectParserPipe(INVALIDATE_TOKEN)) body: InvalidateTokenRequestDto,
    @Facilitator() facilitator: Client,
  ): Promise<ElasticsearchAnswer> {
    const request = toInvalidateTokenRequest(body);
    const invalidation = await this.invalidateTokens(facilitator, request);
    return new ElasticsearchAnswer(invalidationStatus(request, invalidation), toInvalidateTokenResponse(invalidation));
  }

  private async invalidateTokens(facilitator: Client, request: InvalidateTokenRequest): Promise<Invalidation> {
    switch (request.kind) {
      case 'access_token':
        return this.issued.invalidateAccessToken(facilitator, request.token);
      case 'refresh_token':
        return this.issued.invalidateRefreshToken(facilitator, request.token);
      case 'all': {
        const { realm, ...filter } = request.filter;
        return this.issued.invalidateAll(facilitator, {
          ...filter,
          ...(realm === undefined ? {} : { upstream: realm }),
        });
      }
    }
  }
}
