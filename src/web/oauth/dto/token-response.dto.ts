import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** RFC 6749 §5.1 */
export class TokenResponseDto {
  @ApiProperty({ example: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2ln' })
  readonly access_token: string;

  @ApiProperty({ enum: ['Bearer'] })
  readonly token_type: string;

  /** Seconds. */
  @ApiProperty({ example: 600 })
  readonly expires_in: number;

  @ApiProperty({ example: 'openid profile offline_access' })
  readonly scope: string;

  /** Where the client is registered for `refresh_token`. */
  @ApiPropertyOptional({ example: '8xLOxBtZp8vR1mFv8mXmPGN1tDl8gL7kWm4X2F1C8aE' })
  readonly refresh_token?: string;

  /** Where `openid` was granted. */
  @ApiPropertyOptional({ example: 'eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IjIifQ.e30.c2ln' })
  readonly id_token?: string;
}

/** RFC 7662 §2.2 */
export class IntrospectionResponseDto {
  /** False for unknown, expired, revoked and foreign tokens, and then there is nothing else. */
  @ApiProperty({ example: true })
  readonly active: boolean;
  @ApiPropertyOptional({ example: 'https://id.example.com' })
  readonly iss?: string;
  @ApiPropertyOptional({ example: '0197f4a2-7c1e-7c3b-9a51-0b8e4b7a8a10' })
  readonly sub?: string;
  @ApiPropertyOptional({
    oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
    example: 'https://id.example.com',
  })
  readonly aud?: unknown;
  @ApiPropertyOptional({ example: 'ledger' })
  readonly client_id?: string;
  @ApiPropertyOptional({ example: 'openid profile' })
  readonly scope?: string;
  @ApiPropertyOptional({ example: 'Bearer' })
  readonly token_type?: string;
  @ApiPropertyOptional({ example: 1795230000 })
  readonly iat?: number;
  @ApiPropertyOptional({ example: 1795230600 })
  readonly exp?: number;
  @ApiPropertyOptional({ example: '0197f4a2-7c1e-7c3b-9a51-0b8e4b7a8a11' })
  readonly jti?: string;
  /** `preferred_username`, else the e-mail address; of those the one that the token's scope tells. */
  @ApiPropertyOptional({ example: 'mia' })
  readonly username?: string;
  /** The session as the token's client knows it. */
  @ApiPropertyOptional({ example: 'n3Zq4yXc8o1Jb0sG5vLr2kTt' })
  readonly sid?: string;
  @ApiPropertyOptional({ example: 1795229000 })
  readonly auth_time?: number;
}
