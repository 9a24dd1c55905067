import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** What a 401 asks for, inside the body as well as in the header. */
export class ErrorHeaderDto {
  /** A string for one challenge, an array for several. */
  @ApiProperty({
    oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
    example: ['Basic realm="security", charset="UTF-8"', 'Bearer realm="security"'],
  })
  readonly 'WWW-Authenticate': string | string[];
}

/** One cause of an error. */
export class ErrorCauseDto {
  @ApiProperty({ example: 'security_exception' })
  readonly type: string;

  @ApiProperty({ example: 'supplied token is not valid' })
  readonly reason: string;

  @ApiPropertyOptional({ type: ErrorHeaderDto })
  readonly header?: ErrorHeaderDto;
}

/** The cause, and itself once more as the root of it. */
export class ErrorWithRootCauseDto extends ErrorCauseDto {
  @ApiProperty({ type: [ErrorCauseDto] })
  readonly root_cause: ErrorCauseDto[];
}

/** What every handler answers with when it refuses. */
export class ElasticsearchErrorDto {
  @ApiProperty({ type: ErrorWithRootCauseDto })
  readonly error: ErrorWithRootCauseDto;

  /** The HTTP status. */
  @ApiProperty({ example: 401 })
  readonly status: number;
}

/** What the router answers with before a handler sees the request. */
export class ElasticsearchTextErrorDto {
  @ApiProperty({ example: 'Content-Type header [application/x-www-form-urlencoded] is not supported' })
  readonly error: string;

  /** The HTTP status. */
  @ApiProperty({ example: 406 })
  readonly status: number;
}

/** What `POST /_security/oauth2/token` answers with when the token request itself is refused. Always 400. */
export class ElasticsearchOAuthErrorDto {
  @ApiProperty({
    enum: ['invalid_request', 'invalid_grant', 'unsupported_grant_type', 'unauthorized_client'],
    example: 'invalid_grant',
  })
  readonly error: string;

  @ApiProperty({ example: 'could not refresh the requested token' })
  readonly error_description: string;
}
