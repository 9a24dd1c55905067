import { Injectable } from '@nestjs/common';
import { OfferedGrantTypes } from '../../domain/tokens/grants/offered-grant-types.js';
import { HttpMetrics, type TokenOutcome } from '../../platform/metrics/http-metrics.js';
import { ProtocolError } from '../../platform/oidc/errors.js';

/** Counts what the token endpoint answers. */
@Injectable()
export class TokenResponses {
  constructor(
    private readonly types: OfferedGrantTypes,
    private readonly metrics: HttpMetrics,
  ) {}

  /** @param grantType as it was sent: one that is not offered is counted as `other` */
  async counted<T>(grantType: string, work: () => Promise<T>): Promise<T> {
    const type = this.types.find(grantType)?.name ?? 'other';
    try {
      const tokens = await work();
      this.metrics.countTokenResponse(type, 'issued');
      return tokens;
    } catch (error) {
      this.metrics.countTokenResponse(type, outcomeOf(error));
      throw error;
    }
  }
}

function outcomeOf(error: unknown): TokenOutcome {
  return error instanceof ProtocolError && error.status < 500 ? 'refused' : 'failed';
}
