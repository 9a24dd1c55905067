import { ApiProperty } from '@nestjs/swagger';

/** What a person allowed an application. First-party applications are not asked for, and not listed. */
export class ConsentDto {
  @ApiProperty({ example: 'ledger' })
  readonly client_id: string;
  @ApiProperty({ type: [String], example: ['openid', 'profile', 'offline_access'] })
  readonly scope: readonly string[];
  /** Names of single claims (OpenID Connect Core 1.0 §5.5). */
  @ApiProperty({ type: [String], example: ['phone_number'] })
  readonly claims: readonly string[];
  /** When something was allowed last. */
  @ApiProperty({ format: 'date-time' })
  readonly granted_at: string;
}

export class ConsentListDto {
  @ApiProperty({ type: [ConsentDto] })
  readonly items: ConsentDto[];
}
