import { PATHS } from '../../platform/oidc/endpoints.js';
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
} from '@nestjs/common';
import {
  ApiBasicAuth,
  ApiBody,
  ApiConsumes,
  ApiOkResponse,
  ApiExcludeEndpoint,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { isPublicClient } from '../../domain/clients/client.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { ClientAuthenticator } from '../../domain/clients/proofs/client-authenticator.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { clientCors, preflight } from '../kit/cors.js';
import { empty, json, NO_STORE, type HttpResponse } from '../kit/http-response.js';
import { TokenGrants } from '../../domain/tokens/grants/token-grants.js';
import {
  TokenParameterDto,
  TokenRequestDto,
  type TokenParameterForm,
  type TokenRequestForm,
} from './dto/token-request.dto.js';
import { IntrospectionResponseDto, TokenResponseDto } from './dto/token-response.dto.js';
import { ResponseInterceptor } from '../kit/response.interceptor.js';
import { FormBodyGuard } from '../kit/form-body.guard.js';
import { IntrospectionService, type Introspection } from '../../domain/tokens/introspection.service.js';
import { ReadableErrorFilter } from './readable-error.filter.js';
import type { TokenResponse } from '../../domain/tokens/token-responder.js';
import { Tokens } from '../../domain/tokens/tokens.js';
import { TokenResponses } from './token-responses.js';
import { TokenParameterPipe, TokenRequestPipe } from './token-forms.js';

interface TokenSender {
  readonly authorization: string | undefined;
  readonly origin: string | undefined;
  readonly address: string;
}

const FORM = 'application/x-www-form-urlencoded';

/** `/token`, `/revoke`, `/introspect`: the client authenticates, then one service call. */
@ApiTags('Tokens')
@Controller()
@UseFilters(ReadableErrorFilter)
@UseGuards(FormBodyGuard)
@UseInterceptors(ResponseInterceptor)
export class TokenController {
  constructor(
    private readonly authenticator: ClientAuthenticator,
    private readonly clients: ClientsService,
    private readonly grants: TokenGrants,
    private readonly forms: TokenRequestPipe,
    private readonly tokens: Tokens,
    private readonly introspection: IntrospectionService,
    private readonly responses: TokenResponses,
  ) {}

  @Post(PATHS.token)
  @HttpCode(200)
  @ApiOperation({
    summary: 'Issue tokens',
    description: 'Redeems a code, rotates a refresh token, or gives a client a token of its own (RFC 6749 §3.2).',
  })
  @ApiBasicAuth('client')
  @ApiConsumes(FORM)
  @ApiBody({ type: TokenRequestDto })
  @ApiOkResponse({ type: TokenResponseDto })
  @ApiJsonErrors(400, 401, 429)
  async token(
    @Body(TokenRequestPipe) body: TokenRequestForm,
    @Headers('authorization') authorization: string | undefined,
    @Headers('origin') origin: string | undefined,
    @Ip() address: string,
  ): Promise<HttpResponse<TokenResponse>> {
    return this.responses.counted(body.grant_type, () => this.issue(body, { authorization, origin, address }));
  }

  private async issue(
    body: TokenRequestForm,
    { authorization, origin, address }: TokenSender,
  ): Promise<HttpResponse<TokenResponse>> {
    const client = await this.authenticator.authenticate({ parameters: body, authorization, address });
    // Before the token: what cannot be written must not cost the code.
    await this.clients.used(client);
    const grant = this.grants.named(body.grant_type);
    const tokens = await this.grants.issue(grant, client, await this.forms.parametersOf(grant, body), { address });
    return json(tokens).with(...clientCors(origin, client));
  }

  @Post(PATHS.revocation)
  @HttpCode(200)
  @ApiOperation({
    summary: 'Revoke a token',
    description:
      'RFC 7009. A refresh token takes its whole grant along, access tokens included; an access token goes alone. Unknown tokens and tokens of other clients are answered the same way and left alone.',
  })
  @ApiBasicAuth('client')
  @ApiConsumes(FORM)
  @ApiBody({ type: TokenParameterDto })
  @ApiOkResponse({ description: 'The token is not usable, on any node, from now on. The body is empty.' })
  @ApiJsonErrors(400, 401, 429)
  async revoke(
    @Body(TokenParameterPipe) body: TokenParameterForm,
    @Headers('authorization') authorization: string | undefined,
    @Headers('origin') origin: string | undefined,
    @Ip() address: string,
  ): Promise<HttpResponse> {
    const client = await this.authenticator.authenticate({ parameters: body, authorization, address });
    await this.tokens.revoke(body.token, client.clientId);
    return empty(200).with(...NO_STORE, ...clientCors(origin, client));
  }

  @Post(PATHS.introspection)
  @HttpCode(200)
  @ApiOperation({
    summary: 'Ask whether a token is good',
    description:
      'RFC 7662, for the token’s own client and for resource servers that it is meant for. Answers from the database, not from the signature alone.',
  })
  @ApiBasicAuth('client')
  @ApiConsumes(FORM)
  @ApiBody({ type: TokenParameterDto })
  @ApiOkResponse({ type: IntrospectionResponseDto })
  @ApiJsonErrors(400, 401, 429)
  async introspect(
    @Body(TokenParameterPipe) body: TokenParameterForm,
    @Headers('authorization') authorization: string | undefined,
    @Ip() address: string,
  ): Promise<HttpResponse<Introspection>> {
    const client = await this.authenticator.authenticate({ parameters: body, authorization, address });
    // A public client proves nothing about who asks (RFC 7662 §2.1).
    if (isPublicClient(client)) return json({ active: false });
    return json(await this.introspection.introspect(client, body.token));
  }

  @Options([PATHS.token, PATHS.revocation])
  @ApiExcludeEndpoint()
  preflight(@Headers('origin') origin: string | undefined): HttpResponse {
    return preflight(origin);
  }
}
