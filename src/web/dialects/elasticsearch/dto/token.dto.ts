import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { AuthenticationDto } from './authentication.dto.js';

export const GRANT_TYPES = ['password', 'refresh_token', 'client_credentials'] as const;
export type ElasticsearchGrantType = (typeof GRANT_TYPES)[number];

/** Asks for tokens. JSON, not a form. A field that is foreign to the grant type is refused. */
export class CreateTokenRequestDto {
  @ApiProperty({ enum: GRANT_TYPES, example: 'refresh_token' })
  readonly grant_type?: string;

  /** With `password`. */
  @ApiPropertyOptional({ example: 'mia@example.com' })
  readonly username?: string;

  /** With `password`. */
  @ApiPropertyOptional({ format: 'password', example: 'correct horse battery staple' })
  readonly password?: string;

  /** Known, and of no use: `_kerberos` is not offered. */
  @ApiPropertyOptional({ deprecated: true })
  readonly kerberos_ticket?: string;

  /** With `refresh_token`. */
  @ApiPropertyOptional({ example: 'vLBPvmAB6KvwvJZr27cSvLBPvmAB6KvwvJZr27cS-_0' })
  readonly refresh_token?: string;

  /** Taken and ignored: it is always `FULL`. */
  @ApiPropertyOptional({ example: 'FULL' })
  readonly scope?: string;
}

export class CreateTokenResponseDto {
  @ApiProperty({ example: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2ln' })
  readonly access_token: string;

  @ApiProperty({ enum: ['Bearer'], example: 'Bearer' })
  readonly type: 'Bearer';

  /** Seconds. */
  @ApiProperty({ example: 600 })
  readonly expires_in: number;

  /** Absent with `client_credentials`. */
  @ApiPropertyOptional({ example: 'vLBPvmAB6KvwvJZr27cSvLBPvmAB6KvwvJZr27cS-_0' })
  readonly refresh_token?: string;

  /** Only when another scope was asked for (RFC 6749 §5.1). */
  @ApiPropertyOptional({ enum: ['FULL'] })
  readonly scope?: 'FULL';

  @ApiProperty({ type: AuthenticationDto })
  readonly authentication: AuthenticationDto;
}

/** Exactly one of: `token`; `refresh_token`; `realm_name`, `username` or both. */
export class InvalidateTokenRequestDto {
  /** An access token. The refresh token beside it stays good. */
  @ApiPropertyOptional({ example: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2ln' })
  readonly token?: string;

  /** A refresh token. The access token beside it stays good until it expires. */
  @ApiPropertyOptional({ example: 'vLBPvmAB6KvwvJZr27cSvLBPvmAB6KvwvJZr27cS-_0' })
  readonly refresh_token?: string;

  /** Everything that the caller was given for people of this realm. */
  @ApiPropertyOptional({ example: 'acme' })
  readonly realm_name?: string;

  /** Everything that the caller was given for this person. */
  @ApiPropertyOptional({ example: 'mia@example.com' })
  readonly username?: string;
}

export class InvalidateTokenResponseDto {
  /** How many died by it. A pair counts two. */
  @ApiProperty({ example: 1 })
  readonly invalidated_tokens: number;

  /** How many were dead before. */
  @ApiProperty({ example: 0 })
  readonly previously_invalidated_tokens: number;

  /** What fails, fails as a whole, so there is nothing to count. */
  @ApiProperty({ example: 0 })
  readonly error_count: 0;
}
