import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsOptional } from 'class-validator';

export class RotateKeysDto {
  /**
   * For a key that others may know: the new keys sign now, the old ones are published no more, and access tokens that
   * they signed are dead. Clients that cache the JWKS refetch on the unknown `kid`.
   */
  @ApiPropertyOptional({ default: false })
  @IsOptional()
  @IsBoolean()
  readonly immediately?: boolean;
}

export class KeyDto {
  @ApiProperty()
  readonly kid: string;
  @ApiProperty({ enum: ['RS256', 'ES256', 'EdDSA'] })
  readonly alg: string;
  @ApiProperty({ enum: ['published', 'active', 'retired', 'verifying'] })
  readonly state: string;
  @ApiProperty({ format: 'date-time' })
  readonly created_at: string;
  @ApiProperty({ format: 'date-time' })
  readonly active_at: string;
  @ApiPropertyOptional({ format: 'date-time' })
  readonly retired_at?: string;
}

export class KeyListDto {
  @ApiProperty({ type: [KeyDto] })
  readonly items: KeyDto[];
}
