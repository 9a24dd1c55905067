import {
  Body,
  Controller,
  Headers,
  HttpCode,
  Ip,
  Options,
  Post,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { ApiBasicAuth, ApiConsumes, ApiOkResponse, ApiExcludeEndpoint, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ClientAuthenticator } from '../../domain/clients/client-authenticator.js';
import type { Client } from '../../domain/clients/client.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { clientCors, preflight } from '../kit/cors.js';
import { empty, json, NO_STORE, type HttpResponse } from '../kit/http-response.js';
import { OAuthParametersPipe } from '../kit/parameters.pipe.js';
import { InvalidRequestError, UnsupportedGrantTypeError } from '../../platform/oidc/errors.js';
import { AccessTokensService } from '../../domain/tokens/access-tokens.service.js';
import { TokenParameterDto, TokenRequestDto } from './dto/token-request.dto.js';
import { IntrospectionResponseDto, TokenResponseDto } from './dto/token-response.dto.js';
import { ResponseInterceptor } from '../kit/response.interceptor.js';
import { FormBodyGuard } from '../kit/form-body.guard.js';
import { IntrospectionService, type Introspection } from '../../domain/tokens/introspection.service.js';
import { ReadableErrorFilter } from './readable-error.filter.js';
import { TokensService, type TokenResponse } from '../../domain/tokens/tokens.service.js';

const FORM = 'application/x-www-form-urlencoded';

/** `/token`, `/revoke`, `/introspect`: the client authenticates, then one service call. */
@ApiTags('Tokens')
@Controller()
@UseFilters(ReadableErrorFilter)
@UseGuards(FormBodyGuard)
@UsePipes(OAuthParametersPipe)
@UseInterceptors(ResponseInterceptor)
export class TokenController {
  constructor(
    private readonly authenticator: ClientAuthenticator,
    private readonly clients: ClientsService,
    private readonly tokens: TokensService,
    private readonly accessTokens: AccessTokensService,
    private readonly introspection: IntrospectionService,
  ) {}

  @Post('token')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Issue tokens',
    description: 'Redeems a code, rotates a refresh token, or gives a client a token of its own (RFC 6749 §3.2).',
  })
  @ApiBasicAuth('client')
  @ApiConsumes(FORM)
  @ApiOkResponse({ type: TokenResponseDto })
  @ApiJsonErrors(400, 401, 429)
  async token(
    @Body() body: TokenRequestDto,
    @Headers('authorization') authorization: string | undefined,
    @Headers('origin') origin: string | undefined,
    @Ip() address: string,
  ): Promise<HttpResponse<TokenResponse>> {
    const client = await this.authenticator.authenticate({ ...body, authorization, address });
    // Before the token: what cannot be written must not cost the code.
    await this.clients.used(client);
    return json(await this.issue(client, body)).with(...clientCors(origin, client));
  }

  @Post('revoke')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Revoke a token',
    description:
      'RFC 7009. A refresh token takes its whole grant along, access tokens included; an access token goes alone. Unknown tokens and tokens of other clients are answered the same way and left alone.',
  })
  @ApiBasicAuth('client')
  @ApiConsumes(FORM)
  @ApiOkResponse({ description: 'The token is not usable, on any node, from now on. The body is empty.' })
  @ApiJsonErrors(400, 401, 429)
  async revoke(
    @Body() body: TokenParameterDto,
    @Headers('authorization') authorization: string | undefined,
    @Headers('origin') origin: string | undefined,
    @Ip() address: string,
  ): Promise<HttpResponse> {
    const client = await this.authenticator.authenticate({ ...body, authorization, address });
    if (body.token.includes('.')) await this.accessTokens.revokeJwt(body.token, client.clientId);
    else await this.tokens.revokeOpaque(body.token, client.clientId);
    return empty(200).with(...NO_STORE, ...clientCors(origin, client));
  }

  @Post('introspect')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Ask whether a token is good',
    description:
      'RFC 7662, for the token’s own client and for resource servers that it is meant for. Answers from the database, not from the signature alone.',
  })
  @ApiBasicAuth('client')
  @ApiConsumes(FORM)
  @ApiOkResponse({ type: IntrospectionResponseDto })
  @ApiJsonErrors(400, 401, 429)
  async introspect(
    @Body() body: TokenParameterDto,
    @Headers('authorization') authorization: string | undefined,
    @Ip() address: string,
  ): Promise<HttpResponse<Introspection>> {
    const client = await this.authenticator.authenticate({ ...body, authorization, address });
    // A public client proves nothing about who asks (RFC 7662 §2.1).
    if (client.metadata.token_endpoint_auth_method === 'none') return json({ active: false });
    return json(await this.introspection.introspect(client, body.token));
  }

  @Options(['token', 'revoke'])
  @ApiExcludeEndpoint()
  preflight(@Headers('origin') origin: string | undefined): HttpResponse {
    return preflight(origin);
  }

  private issue(client: Client, body: TokenRequestDto): Promise<TokenResponse> {
    switch (body.grant_type) {
      case 'authorization_code':
        return this.tokens.exchangeCode(client, {
          code: required('code', body.code),
          redirectUri: body.redirect_uri,
          codeVerifier: body.code_verifier,
        });
      case 'refresh_token':
        return this.tokens.refresh(client, {
          refreshToken: required('refresh_token', body.refresh_token),
          scope: body.scope,
        });
      case 'client_credentials':
        return this.tokens.clientCredentials(client, body.scope);
      default:
        throw new UnsupportedGrantTypeError(
          'grant_type must be authorization_code, refresh_token or client_credentials.',
        );
    }
  }
}

function required(name: string, value: string | undefined): string {
  if (value === undefined) throw new InvalidRequestError(`${name} is required.`);
  return value;
}
