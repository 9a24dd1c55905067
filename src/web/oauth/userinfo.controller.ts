import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Options,
  Post,
  StreamableFile,
  UseFilters,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiConsumes,
  ApiExcludeEndpoint,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  type ApiResponseOptions,
} from '@nestjs/swagger';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { bearerToken } from '../kit/bearer.js';
import { clientCors, preflight } from '../kit/cors.js';
import { file, json, type HttpResponse } from '../kit/http-response.js';
import { OAuthParametersPipe } from '../kit/parameters.pipe.js';
import { ResponseInterceptor } from '../kit/response.interceptor.js';
import { InvalidRequestError, MissingTokenError } from '../../platform/oidc/errors.js';
import { PATHS } from '../../platform/oidc/endpoints.js';
import { UserinfoRequestDto } from './dto/token-request.dto.js';
import { ReadableErrorFilter } from './readable-error.filter.js';
import { UserinfoService } from '../../domain/tokens/userinfo.service.js';

const CLAIMS: ApiResponseOptions = {
  description:
    'Claims that the token’s scope tells; `sub` is always among them. As a JWT for clients with `userinfo_signed_response_alg`.',
  content: {
    'application/json': {
      schema: {
        type: 'object',
        required: ['sub'],
        properties: { sub: { type: 'string' } },
        additionalProperties: true,
      },
      example: {
        sub: '0197f4a2-7c1e-7c3b-9a51-0b8e4b7a8a10',
        name: 'Mia Example',
        preferred_username: 'mia',
        email: 'mia@example.com',
        email_verified: true,
        updated_at: 1795230000,
      },
    },
    'application/jwt': {
      schema: { type: 'string' },
      example: 'eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJ4In0.c2ln',
    },
  },
};

@ApiTags('Tokens')
@Controller(PATHS.userinfo)
@UseFilters(ReadableErrorFilter)
@UsePipes(OAuthParametersPipe)
@UseInterceptors(ResponseInterceptor)
export class UserinfoController {
  constructor(private readonly service: UserinfoService) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'Claims about the person', description: 'OpenID Connect Core 1.0 §5.3.' })
  @ApiBearerAuth('user')
  @ApiOkResponse(CLAIMS)
  @ApiJsonErrors(401, 403)
  get(
    @Headers('authorization') authorization: string | undefined,
    @Headers('origin') origin: string | undefined,
  ): Promise<HttpResponse<object>> {
    return this.respond(bearerToken(authorization), origin);
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Claims about the person',
    description: 'As GET; the token may be in the form body (RFC 6750 §2.2).',
  })
  @ApiBearerAuth('user')
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiOkResponse(CLAIMS)
  @ApiJsonErrors(400, 401, 403)
  post(
    @Body() body: UserinfoRequestDto,
    @Headers('authorization') authorization: string | undefined,
    @Headers('origin') origin: string | undefined,
  ): Promise<HttpResponse<object>> {
    const token = bearerToken(authorization);
    // RFC 6750 §2: one method in each request.
    if (token !== undefined && body.access_token !== undefined)
      throw new InvalidRequestError('Send the access token once.');
    return this.respond(token ?? body.access_token, origin);
  }

  @Options()
  @ApiExcludeEndpoint()
  preflight(@Headers('origin') origin: string | undefined): HttpResponse {
    return preflight(origin);
  }

  private async respond(token: string | undefined, origin: string | undefined): Promise<HttpResponse<object>> {
    if (token === undefined) throw new MissingTokenError('An access token is required.');
    const { client, claims, signed } = await this.service.userinfo(token);
    const response =
      signed === undefined
        ? json<object>(claims)
        : file(new StreamableFile(Buffer.from(signed), { type: 'application/jwt' }));
    return client === undefined ? response : response.with(...clientCors(origin, client));
  }
}
