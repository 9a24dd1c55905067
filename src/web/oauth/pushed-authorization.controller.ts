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
  ApiCreatedResponse,
  ApiExcludeEndpoint,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { isPublicClient } from '../../domain/clients/client.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { ClientAuthenticator } from '../../domain/clients/proofs/client-authenticator.js';
import { InteractionsService } from '../../domain/interactions/interactions.service.js';
import type { PushedParameters } from '../../domain/interactions/pushed-request.repository.js';
import { PUSHED_REQUEST_SECONDS, PushedRequests } from '../../domain/interactions/pushed-requests.service.js';
import type { Client } from '../../domain/clients/client.js';
import { PATHS } from '../../platform/oidc/endpoints.js';
import { ProtocolError } from '../../platform/oidc/errors.js';
import { AuthorizationError } from '../authorize/authorization-error.js';
import { authorizationForm } from '../authorize/authorization-parameters.js';
import { AuthorizationRequestParser, type RawParameters } from '../authorize/authorization-request.parser.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { clientCors, preflight } from '../kit/cors.js';
import { FormBodyGuard } from '../kit/form-body.guard.js';
import { json, type HttpResponse } from '../kit/http-response.js';
import { ResponseInterceptor } from '../kit/response.interceptor.js';
import { PushedRequestDto } from './dto/pushed-request.dto.js';
import { ReadableErrorFilter } from './readable-error.filter.js';
import { PushedRequestForms } from './token-forms.js';

/** What would go to the application by redirect goes to it at once (RFC 9126 §2.3). */
class RefusedPushError extends ProtocolError {
  readonly status = 400;

  constructor(
    readonly code: string,
    description: string,
  ) {
    super(description);
  }
}

/**
 * Pushed authorization requests (RFC 9126 §2): the client hands over its request before the browser comes, and proves who it is.
 *
 * What is wrong with the request is refused here; what only the person can answer, at `/authorize`.
 */
@ApiTags('Sign-in')
@Controller(PATHS.pushedAuthorization)
@UseFilters(ReadableErrorFilter)
@UseGuards(FormBodyGuard)
@UseInterceptors(ResponseInterceptor)
export class PushedAuthorizationController {
  constructor(
    private readonly authenticator: ClientAuthenticator,
    private readonly clients: ClientsService,
    private readonly forms: PushedRequestForms,
    private readonly parser: AuthorizationRequestParser,
    private readonly requests: PushedRequests,
    private readonly interactions: InteractionsService,
  ) {}

  @Post()
  @HttpCode(201)
  @ApiOperation({
    summary: 'Push an authorization request',
    description:
      'Takes the parameters of `/authorize` from the client itself and answers with a `request_uri`, which a browser brings to `/authorize` in place of them, once (RFC 9126).',
  })
  @ApiBasicAuth('client')
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiBody({ schema: authorizationForm(['response_type'], ['request_uri']) })
  @ApiCreatedResponse({ type: PushedRequestDto })
  @ApiJsonErrors(400, 401, 429)
  async push(
    @Body() body: RawParameters | undefined,
    @Headers('authorization') authorization: string | undefined,
    @Headers('origin') origin: string | undefined,
    @Ip() address: string,
  ): Promise<HttpResponse<PushedRequestDto>> {
    const { credentials, request } = await this.forms.read(body ?? {});
    const client = await this.authenticator.authenticate({ parameters: credentials, authorization, address });
    const parameters = await this.parse(client, request);
    // A client that proves nothing leaves rows at will.
    if (isPublicClient(client)) await this.interactions.count(address);
    await this.clients.used(client);
    const requestUri = await this.requests.push(client.clientId, parameters);
    return json({ request_uri: requestUri, expires_in: PUSHED_REQUEST_SECONDS }, 201).with(
      ['Cache-Control', 'no-cache, no-store'],
      ...clientCors(origin, client),
    );
  }

  @Options()
  @ApiExcludeEndpoint()
  preflight(@Headers('origin') origin: string | undefined): HttpResponse {
    return preflight(origin);
  }

  private async parse(client: Client, request: RawParameters): Promise<PushedParameters> {
    try {
      return await this.parser.parsePushed(client, request);
    } catch (error) {
      throw error instanceof AuthorizationError ? new RefusedPushError(error.code, error.description) : error;
    }
  }
}
