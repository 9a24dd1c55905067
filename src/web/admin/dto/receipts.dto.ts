import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { DELIVERY_STATES } from '../../../domain/logout/notices/delivery.js';
import { WithoutNoticeDto } from './logout.dto.js';

const HASH = 'xWcHRGMGv0lbbXvFPGuAOnpwGcoXLkQh8eFDsKDl6uA';

export class ReceiptDto {
  /** A compact JWS, `typ` `logout-receipt+jwt`, ES256 by a key at `/admin/v1/receipts/jwks`. */
  @ApiProperty({ example: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImxvZ291dC1yZWNlaXB0K2p3dCJ9.eyJzZXF1ZW5jZSI6N30.c2lnbmF0dXJl' })
  readonly receipt: string;
  /** Place in the chain of all receipts, without gaps. */
  @ApiProperty({ example: 7 })
  readonly sequence: number;
  /** SHA-256 of the receipt, base64url. */
  @ApiProperty({ example: HASH })
  readonly hash: string;
  /** Of the receipt before; null for the first of all. */
  @ApiProperty({ type: String, nullable: true, example: HASH })
  readonly previous_hash: string | null;
  /** One more each time a notice of the termination ended again. */
  @ApiProperty({ example: 1 })
  readonly revision: number;
  @ApiProperty({ format: 'date-time' })
  readonly issued_at: string;
  @ApiProperty({ enum: ['final'] })
  readonly state: 'final';
}

export class StandingDto {
  @ApiProperty({ example: 'ledger' })
  readonly client_id: string;
  @ApiProperty({ enum: DELIVERY_STATES })
  readonly outcome: string;
  @ApiProperty({ example: 1 })
  readonly notices: number;
  @ApiProperty({ example: 3 })
  readonly attempts: number;
}

/** How it stands before the receipt; nothing of it is signed. */
export class PendingReceiptDto {
  @ApiProperty({ enum: ['pending'] })
  readonly state: 'pending';
  @ApiProperty({ format: 'uuid' })
  readonly termination_id: string;
  @ApiProperty({ format: 'date-time' })
  readonly ended_at: string;
  @ApiProperty({ type: [StandingDto] })
  readonly applications: StandingDto[];
  /** Those that took part and get no notice. */
  @ApiPropertyOptional({ type: [WithoutNoticeDto] })
  readonly without_notice?: WithoutNoticeDto[];
}

export class ReceiptsQueryDto {
  /** Only what comes after this sequence. */
  @ApiPropertyOptional({ default: 0, minimum: 0, example: 0 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  readonly after: number = 0;
}
