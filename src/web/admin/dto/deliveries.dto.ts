import { ApiProperty, ApiPropertyOptional, PickType } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsIn, IsOptional, IsUUID } from 'class-validator';
import { DeliveriesQueryDto } from './logout.dto.js';

/** Everything but `delivered`, which is over. */
const RESENDABLE_STATES = ['pending', 'rejected', 'abandoned'] as const;

/** Which deliveries: all members that are sent must fit, and one of `ids`, `client_id`, `termination_id`, `state` is required. */
export class ResendDto extends PickType(DeliveriesQueryDto, [
  'client_id',
  'termination_id',
  'error_code',
  'created_after',
  'created_before',
]) {
  @ApiPropertyOptional({ type: [String], format: 'uuid', maxItems: 1000 })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(1000)
  @IsUUID(undefined, { each: true })
  readonly ids?: string[];

  @ApiPropertyOptional({ enum: RESENDABLE_STATES })
  @IsOptional()
  @IsIn(RESENDABLE_STATES)
  readonly state?: string;
}

export class ResentDto {
  /** How many are due now. Those that were delivered, or are being sent at this moment, are not among them. */
  @ApiProperty({ example: 12 })
  readonly resent: number;

  /** Present when there are older ones that fit. Ask for them by `created_before`. */
  @ApiPropertyOptional({ example: true })
  readonly more?: boolean;
}

export class BreakerDto {
  /** `open`: the application failed several times in a row; its notices wait, and one at a time goes out to see. */
  @ApiProperty({ enum: ['closed', 'open'] })
  readonly state: 'closed' | 'open';

  /** In a row, by now. */
  @ApiProperty({ example: 7 })
  readonly failures: number;

  @ApiPropertyOptional({ format: 'date-time' })
  readonly opened_at?: string;

  @ApiPropertyOptional({ format: 'date-time' })
  readonly next_probe_at?: string;

  @ApiPropertyOptional({ example: 'connect_failed' })
  readonly last_error?: string;
}

const COUNTED = 'Counted to 100,000: that number means as many or more.';

export class ClientDeliveriesDto {
  @ApiProperty({ example: 'ledger' })
  readonly client_id: string;

  @ApiProperty({ type: BreakerDto })
  readonly breaker: BreakerDto;

  @ApiProperty({ example: 4, description: COUNTED })
  readonly pending: number;

  @ApiProperty({ example: 0, description: COUNTED })
  readonly rejected: number;

  @ApiProperty({ example: 2, description: COUNTED })
  readonly abandoned: number;

  @ApiPropertyOptional({ format: 'date-time' })
  readonly oldest_pending_at?: string;
}
