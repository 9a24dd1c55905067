import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Equals, IsInt, IsOptional, IsString, IsUUID, Max, MaxLength, Min, MinLength } from 'class-validator';
import { OPEN_ENUMS } from '../../../platform/oidc/open-enums.js';
import { ORDER_STATES } from '../../../domain/logout/orders/logout-order.js';

/** Exactly one of `account_id`, `client_id`, `upstream`, `everyone`. */
export class CreateLogoutOrderDto {
  /** Everything of this person, offline grants too. */
  @ApiPropertyOptional({ format: 'uuid' })
  @IsOptional()
  @IsUUID()
  readonly account_id?: string;

  /** Every grant of this client, offline ones too. It is notified of each session; the sessions continue. */
  @ApiPropertyOptional({ example: 'ledger' })
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(255)
  readonly client_id?: string;

  /** Every session that began by this provider, by the name it is registered under. */
  @ApiPropertyOptional({ example: 'corporate' })
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(255)
  readonly upstream?: string;

  /** Every session and every grant of every person. */
  @ApiPropertyOptional({ enum: [true] })
  @IsOptional()
  @Equals(true)
  readonly everyone?: true;

  /** For the record. */
  @ApiPropertyOptional({ example: 'Incident 2026-118' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  readonly reason?: string;

  /** Notices per second to one application; `LOGOUT_ORDER_NOTIFY_PER_SECOND` when left out. */
  @ApiPropertyOptional({ minimum: 1, maximum: 10_000, example: 50 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(10_000)
  readonly notify_per_second?: number;
}

export class LogoutOrderDto {
  @ApiProperty({ format: 'uuid' })
  readonly id: string;
  @ApiPropertyOptional({ format: 'uuid' })
  readonly account_id?: string;
  @ApiPropertyOptional({ example: 'ledger' })
  readonly client_id?: string;
  /** Only what the client was permitted to do without people (`offline_access`), after that was taken from it. */
  @ApiPropertyOptional({ enum: [true] })
  readonly offline_only?: true;
  @ApiPropertyOptional({ example: 'corporate' })
  readonly upstream?: string;
  @ApiPropertyOptional({ enum: [true] })
  readonly everyone?: true;
  @ApiPropertyOptional({ example: 'Incident 2026-118' })
  readonly reason?: string;
  /**
   * What records, notices and receipts name. Another than `logout_order`: a change ended more than one statement should
   * end, such as the disabling of a client with very many sessions.
   */
  @ApiProperty({ enum: OPEN_ENUMS.terminationCause, example: 'logout_order' })
  readonly cause: string;
  /** The client of the operator who placed it, or the client that deleted itself. */
  @ApiProperty({ example: 'exeunt-admin' })
  readonly operator: string;
  /** What began before is dead since then. */
  @ApiProperty({ format: 'date-time' })
  readonly not_before: string;
  @ApiProperty({ example: 50 })
  readonly notify_per_second: number;
  /** Of the records and the notices; what it ends is dead in each state. */
  @ApiProperty({ enum: ORDER_STATES, example: 'running' })
  readonly state: string;
  /** Sessions that it is about; absent until they are counted. */
  @ApiPropertyOptional({ example: 100000 })
  readonly total?: number;
  /** Sessions that are on record, with a notice for each application in them. */
  @ApiProperty({ example: 42000 })
  readonly done: number;
  @ApiProperty({ example: 51000 })
  readonly grants_revoked: number;
  /** Notices that were written, whatever became of them. */
  @ApiProperty({ example: 84000 })
  readonly deliveries: number;
  @ApiPropertyOptional({ format: 'date-time' })
  readonly finished_at?: string;
}

export class LogoutOrderListDto {
  @ApiProperty({ type: [LogoutOrderDto] })
  readonly items: LogoutOrderDto[];
  @ApiPropertyOptional({ format: 'uuid' })
  readonly next_cursor?: string;
}

export class LogoutOrderApplicationDto {
  @ApiProperty({ example: 'ledger' })
  readonly client_id: string;
  /** Notices to it that were written. */
  @ApiProperty({ example: 42000 })
  readonly deliveries: number;
  /** By when each of them has been due, at the order's rate. */
  @ApiProperty({ format: 'date-time' })
  readonly last_due_at: string;
}

export class LogoutOrderDetailDto extends LogoutOrderDto {
  /** Notices that have not ended yet, those to be tried again among them. */
  @ApiProperty({ example: 41000 })
  readonly deliveries_pending: number;
  /** When the last notice is due of those that are written; absent when there is none. */
  @ApiPropertyOptional({ format: 'date-time' })
  readonly last_due_at?: string;
  /** When the last of all notices is expected to be due, at the order's rate and by what it has come to so far. */
  @ApiPropertyOptional({ format: 'date-time' })
  readonly expected_until?: string;
  @ApiProperty({ type: [LogoutOrderApplicationDto] })
  readonly applications: LogoutOrderApplicationDto[];
}
