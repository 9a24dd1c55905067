import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** RFC 6749 §5.2 */
export class OAuthErrorDto {
  @ApiProperty({ example: 'invalid_grant' })
  readonly error: string;

  @ApiProperty({ example: 'The refresh token is unknown, expired, used or revoked.' })
  readonly error_description: string;

  /** Names the line in the log, with status 500 and 503. */
  @ApiPropertyOptional({ format: 'uuid' })
  readonly request_id?: string;
}
