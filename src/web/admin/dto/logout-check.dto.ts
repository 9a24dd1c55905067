import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { FINDING_CODES } from '../../../domain/logout/insight/endpoint-findings.js';

export class FindingDto {
  /** Stays the same; the message may get better words. */
  @ApiProperty({ enum: FINDING_CODES, example: 'forbidden' })
  readonly code: string;

  /** `error`: people stay signed in there. `warning`: it works, and may not always. */
  @ApiProperty({ enum: ['error', 'warning', 'info'] })
  readonly severity: string;

  @ApiProperty({ example: 'The endpoint answered 404: there is nothing at this path.' })
  readonly message: string;
}

export class ProbeDto {
  /** `forged`: the same token with a wrong signature. */
  @ApiProperty({ enum: ['genuine', 'forged'] })
  readonly token: string;

  /** HTTP status of the answer, if there was one. */
  @ApiPropertyOptional({ example: 200 })
  readonly status?: number;

  @ApiPropertyOptional({ example: 'timeout' })
  readonly error_code?: string;

  @ApiProperty({ example: 41 })
  readonly duration_ms: number;
}

/** What became of a logout token about a session that does not exist, and of a forged one. */
export class LogoutCheckDto {
  @ApiProperty({ example: 'ledger' })
  readonly client_id: string;

  /** Where they were sent. */
  @ApiPropertyOptional({ example: 'https://ledger.example.com/backchannel-logout' })
  readonly backchannel_logout_uri?: string;

  /** Whether logouts arrive there, and only ours: no finding is an error. */
  @ApiProperty({ example: true })
  readonly healthy: boolean;

  @ApiProperty({ type: [FindingDto] })
  readonly findings: FindingDto[];

  @ApiProperty({ type: [ProbeDto] })
  readonly probes: ProbeDto[];

  @ApiProperty({ format: 'date-time' })
  readonly checked_at: string;
}
