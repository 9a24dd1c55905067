import {
  Body,
  Controller,
  HttpCode,
  Inject,
  Ip,
  Post,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { ApiConsumes, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { PATHS } from '../../../platform/oidc/endpoints.js';
import { TooManyRequestsError } from '../../../platform/oidc/errors.js';
import type { AddressLimiter } from '../../../platform/rate-limits/address-limiter.js';
import { RateLimits } from '../../../platform/rate-limits/rate-limits.js';
import { FormBodyGuard } from '../../kit/form-body.guard.js';
import { json, type HttpResponse } from '../../kit/http-response.js';
import { OAuthParametersPipe } from '../../kit/parameters.pipe.js';
import { ResponseInterceptor } from '../../kit/response.interceptor.js';
import { BackChannelReceiverFilter } from './back-channel-receiver.filter.js';
import { BackChannelLogoutDto, LoggedOutDto, LogoutErrorDto } from './dto/back-channel-logout.dto.js';
import { LogoutTokenReceiver } from './logout-token-receiver.service.js';
import { TAG } from './vocabulary.js';

const NO_STORE = { 'Cache-Control': { description: '`no-store`.', schema: { type: 'string' as const } } };

/**
 * Receives logout tokens of the providers that people sign in with (docs/wire/back-channel-logout-receiver.md). The
 * sender does not authenticate: the token is the credential.
 *
 * @see [Back-Channel Logout 1.0](https://openid.net/specs/openid-connect-backchannel-1_0.html) §2.5 to §2.8
 */
@ApiTags(TAG)
@Controller(PATHS.backchannelLogout)
@UseFilters(BackChannelReceiverFilter)
@UseGuards(FormBodyGuard)
@UseInterceptors(ResponseInterceptor)
@UsePipes(OAuthParametersPipe)
export class BackChannelReceiverController {
  private readonly requestsOfAddress: AddressLimiter;

  constructor(
    private readonly receiver: LogoutTokenReceiver,
    limits: RateLimits,
    @Inject(SETTINGS) settings: Settings,
  ) {
    this.requestsOfAddress = limits.addressLimiter('backchannel_logout', settings.backchannelLogoutPerMinute, 60);
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Handle OIDC backchannel logout',
    description:
      'Process OIDC backchannel logout token and invalidate matching session state: ends the sessions that the token names, revokes their grants (those with `offline_access` stay) and tells the applications that took part. 200 also when there was nothing to end. Everything that is not obeyed is 400, as Back-Channel Logout 1.0 §2.8 has it, also when we could not do it; such a token was not used up and may be sent again.',
  })
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiHeader({
    name: 'Content-Type',
    required: true,
    schema: { type: 'string', example: 'application/x-www-form-urlencoded' },
  })
  @ApiResponse({
    status: 200,
    description: 'OK: ended, or nothing to end.',
    type: LoggedOutDto,
    example: {},
    headers: NO_STORE,
  })
  @ApiResponse({
    status: 400,
    description: 'The token is missing, not good, or was used before; or the logout could not be carried out.',
    type: LogoutErrorDto,
    headers: NO_STORE,
    examples: {
      refused: {
        summary: 'The token must not be obeyed',
        value: { error: 'invalid_request', error_description: 'The logout token carries a nonce.' },
      },
      failed: {
        summary: 'It could not be carried out; send it again',
        value: { error: 'temporarily_unavailable', error_description: 'The logout could not be carried out now.' },
      },
    },
  })
  @ApiResponse({ status: 405, description: 'Only POST is taken; `Allow` says so.', type: LogoutErrorDto })
  @ApiResponse({
    status: 429,
    description: 'Too many requests from one address.',
    type: LogoutErrorDto,
    headers: { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } } },
  })
  async receive(@Body() body: BackChannelLogoutDto, @Ip() address: string): Promise<HttpResponse<LoggedOutDto>> {
    const retryAfterSeconds = await this.requestsOfAddress.consume(address);
    if (retryAfterSeconds !== undefined) throw new TooManyRequestsError('Too many requests.', retryAfterSeconds);
    await this.receiver.receive(body.logout_token);
    return json({});
  }
}
