import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ACCOUNT_ROLES, type AccountRole } from '../../../domain/accounts/account.js';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  MaxLength,
  MinLength,
} from 'class-validator';

const CLAIMS = { name: 'Mia Example', given_name: 'Mia', family_name: 'Example', email_verified: true, locale: 'en' };

export class CreateAccountDto {
  /** What the person types to sign in; the `email` does as well, where no other account has it. Upper and lower case are one. */
  @ApiProperty({ example: 'mia@example.com' })
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  readonly login: string;

  /** At least 8 characters, and none of the commonest ones. Without one the person cannot sign in until it is set. */
  @ApiPropertyOptional({ format: 'password' })
  @IsOptional()
  @IsString()
  @MinLength(8)
  @MaxLength(1000)
  readonly password?: string;

  @ApiPropertyOptional({ example: 'mia@example.com' })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  readonly email?: string;

  /** Standard claims (OpenID Connect Core 1.0 §5.1). */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, example: CLAIMS })
  @IsOptional()
  @IsObject()
  readonly claims?: Record<string, unknown>;

  /** `operator` opens the console. */
  @ApiPropertyOptional({ enum: ACCOUNT_ROLES, isArray: true, example: [] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(10)
  @IsIn(ACCOUNT_ROLES, { each: true })
  readonly roles?: AccountRole[];
}

export class SetRolesDto {
  /** All of them; an empty list takes every role away. */
  @ApiProperty({ enum: ACCOUNT_ROLES, isArray: true, example: ['operator'] })
  @IsArray()
  @ArrayMaxSize(10)
  @IsIn(ACCOUNT_ROLES, { each: true })
  readonly roles: AccountRole[];
}

export class UpdateAccountDto {
  /** A new one; the person stays who they are (`sub`). */
  @ApiPropertyOptional({ example: 'mia' })
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  readonly login?: string;

  @ApiPropertyOptional({ example: 'mia@example.com' })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  readonly email?: string;

  /** Replaces all claims. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, example: CLAIMS })
  @IsOptional()
  @IsObject()
  readonly claims?: Record<string, unknown>;
}

export class SetPasswordDto {
  /** At least 8 characters, and none of the commonest ones. */
  @ApiProperty({ format: 'password', example: 'correct horse battery staple' })
  @IsString()
  @MinLength(8)
  @MaxLength(1000)
  readonly password: string;
}

export class AccountDto {
  /** `sub` in tokens; never given to another account. */
  @ApiProperty({ format: 'uuid' })
  readonly id: string;
  @ApiProperty({ example: 'mia@example.com' })
  readonly login: string;
  @ApiPropertyOptional({ example: 'mia@example.com' })
  readonly email?: string;
  @ApiProperty({ type: 'object', additionalProperties: true, example: CLAIMS })
  readonly claims: Readonly<Record<string, unknown>>;
  /** What the person may do here besides signing in. */
  @ApiProperty({ type: [String], example: ['operator'] })
  readonly roles: string[];
  @ApiProperty()
  readonly has_password: boolean;
  @ApiProperty()
  readonly disabled: boolean;
  @ApiProperty({ format: 'date-time' })
  readonly created_at: string;
  @ApiProperty({ format: 'date-time' })
  readonly updated_at: string;
}

export class AccountListDto {
  @ApiProperty({ type: [AccountDto] })
  readonly items: AccountDto[];
  /** Absent on the last page. */
  @ApiPropertyOptional()
  readonly next_cursor?: string;
}
