import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';

/** The answer of another provider's authorization endpoint (OpenID Connect Core 1.0 §3.1.2.5, §3.1.2.6; RFC 9207 §2). */
export class UpstreamCallbackDto {
  @ApiPropertyOptional({ example: 'SplxlOBeZQQYbYS6WxSbIA' })
  @IsOptional()
  @IsString()
  @MaxLength(4000)
  readonly code?: string;

  /** As it was sent along. */
  @ApiPropertyOptional({ example: 'af0ifjsldkj' })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  readonly state?: string;

  /** Who answers. Checked where the provider says that it sends it. */
  @ApiPropertyOptional({ example: 'https://login.example.org' })
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  readonly iss?: string;

  @ApiPropertyOptional({ example: 'access_denied' })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  readonly error?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  readonly error_description?: string;
}
