import {
  Body,
  Controller,
  HttpCode,
  Inject,
  Ip,
  Logger,
  Post,
  Res,
  UseFilters,
  UseGuards,
  UsePipes,
} from '@nestjs/common';
import { ApiConsumes, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { AuditDetails } from '../../../platform/audit/audit-event.js';
import { AuditLog } from '../../../platform/audit/audit-log.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { reasonOf } from '../../kit/failure.js';
import { HttpEdge, type Response } from '../../kit/http-edge.js';
import { OAuthParametersPipe } from '../../kit/parameters.pipe.js';
import { LogoutService } from '../../../domain/logout/command/logout.service.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { TooManyRequestsError } from '../../../platform/oidc/errors.js';
import type { AddressLimiter } from '../../../platform/rate-limits/address-limiter.js';
import { RateLimits } from '../../../platform/rate-limits/rate-limits.js';
import { FormBodyGuard } from '../../kit/form-body.guard.js';
import { InvalidLogoutTokenError, ReplayedLogoutTokenError } from '../../../domain/upstreams/upstream-errors.js';
import { UpstreamLogoutTokens, type LogoutOrder } from '../../../domain/upstreams/upstream-logout-tokens.service.js';
import { BackChannelReceiverFilter } from './back-channel-receiver.filter.js';
import { resultOf, toLogoutCommand } from './back-channel-receiver.mapper.js';
import { BackChannelLogoutDto, LoggedOutDto, LogoutErrorDto } from './dto/back-channel-logout.dto.js';
import { TAG } from './vocabulary.js';

const NO_STORE = { 'Cache-Control': { description: '`no-store`.', schema: { type: 'string' as const } } };

/**
 * Receives logout tokens of the providers that people sign in with (docs/wire/back-channel-logout-receiver.md). The
 * sender does not authenticate: the token is the credential.
 *
 * @see [Back-Channel Logout 1.0](https://openid.net/specs/openid-connect-backchannel-1_0.html) §2.5 to §2.8
 */
@ApiTags(TAG)
@Controller('api/v1/auth/oidc/backchannel-logout')
@UseFilters(BackChannelReceiverFilter)
@UseGuards(FormBodyGuard)
@UsePipes(OAuthParametersPipe)
export class BackChannelReceiverController {
  private readonly logger = new Logger(BackChannelReceiverController.name);
  private readonly requestsOfAddress: AddressLimiter;

  constructor(
    private readonly logoutTokens: UpstreamLogoutTokens,
    private readonly logoutService: LogoutService,
    private readonly audit: AuditLog,
    private readonly metrics: Metrics,
    private readonly edge: HttpEdge,
    limits: RateLimits,
    @Inject(SETTINGS) private readonly settings: Settings,
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
  async receive(
    @Body() body: BackChannelLogoutDto,
    @Ip() address: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<LoggedOutDto> {
    this.edge.noStore(response);
    const retryAfterSeconds = await this.requestsOfAddress.consume(address);
    if (retryAfterSeconds !== undefined) throw new TooManyRequestsError('Too many requests.', retryAfterSeconds);
    try {
      await this.obey(await this.logoutTokens.verify(body.logout_token));
    } catch (error) {
      if (!(error instanceof ReplayedLogoutTokenError && this.settings.acceptRepeatedLogoutTokens)) {
        await this.report(error);
        throw error;
      }
      this.metrics.countLogoutToken('replayed');
    }
    return {};
  }

  private async obey(order: LogoutOrder): Promise<void> {
    const outcome = await this.logoutService.logout(toLogoutCommand(order), {
      before: (tx) => this.logoutTokens.consume(tx, order),
      after: (tx, ended) =>
        this.audit.record(
          {
            event: 'upstream_logout',
            outcome: 'done',
            details: {
              upstream: order.upstream.name,
              // No session here is meant, or none any more: to the sender a success (§2.7), to an operator a question.
              result: (ended?.sessions ?? 0) === 0 ? 'nothing_to_end' : 'ended',
              sid: order.sid !== undefined,
              sub: order.sub !== undefined,
              sessions: ended?.sessions ?? 0,
            },
          },
          tx,
        ),
    });
    this.metrics.countLogoutToken(outcome.kind);
  }

  /** Forged, replayed, and ordered but not done are three different things to an operator. */
  private async report(error: unknown): Promise<void> {
    const result = resultOf(error);
    this.metrics.countLogoutToken(result);
    const reason = reasonOf(error);
    if (result !== 'not_performed') {
      this.logger.warn(`logout token refused (${result}): ${reason}`);
      const code: AuditDetails = error instanceof InvalidLogoutTokenError ? { code: error.reason } : {};
      if (error instanceof InvalidLogoutTokenError) this.metrics.countLogoutTokenRefusal(error.reason);
      await this.audit.recordRefusal('upstream_logout', { result, reason, ...code });
      return;
    }
    this.logger.error(`ALERT logout ordered by an upstream but not performed: ${reason}`);
    await this.audit.recordFailure('upstream_logout', { result, reason });
  }
}
