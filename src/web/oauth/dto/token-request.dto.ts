import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, Matches, MaxLength } from 'class-validator';

/** Client authentication by form fields; with `client_secret_basic` it is in the `Authorization` header instead. */
export class ClientCredentialsDto {
  /** The client, where it does not authenticate by the `Authorization` header. */
  @ApiPropertyOptional({ example: 'ledger' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly client_id?: string;

  /** With `client_secret_post`. */
  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @MaxLength(1000)
  readonly client_secret?: string;

  /** With `private_key_jwt` (RFC 7523 §2.2). */
  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @MaxLength(8000)
  readonly client_assertion?: string;

  @ApiPropertyOptional({ example: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  readonly client_assertion_type?: string;
}

/** RFC 6749 §4.1.3, §4.4.2, §6. */
export class TokenRequestDto extends ClientCredentialsDto {
  @ApiProperty({ enum: ['authorization_code', 'refresh_token', 'client_credentials'], example: 'refresh_token' })
  @IsString()
  @MaxLength(200)
  readonly grant_type: string;

  /** With `authorization_code`. */
  @ApiPropertyOptional({ example: 'SplxlOBeZQQYbYS6WxSbIAhQ7xP0dMZ1mJ4dQm2pV1w' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  readonly code?: string;

  /** With `authorization_code`, exactly as in the authorization request. */
  @ApiPropertyOptional({ example: 'https://ledger.example.com/callback' })
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  @Matches(/^[\x21-\x7e]*$/, { message: 'redirect_uri has a character that no registered one has' })
  readonly redirect_uri?: string;

  /** With `authorization_code` (RFC 7636 §4.5). */
  @ApiPropertyOptional({ example: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk' })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  readonly code_verifier?: string;

  /** With `refresh_token`. It can be used once; the answer holds its successor. */
  @ApiPropertyOptional({ example: '8xLOxBtZp8vR1mFv8mXmPGN1tDl8gL7kWm4X2F1C8aE' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  readonly refresh_token?: string;

  /** Narrows the token; never more than was granted. */
  @ApiPropertyOptional({ example: 'openid email' })
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  readonly scope?: string;
}

/** RFC 7009 §2.1 and RFC 7662 §2.1. */
export class TokenParameterDto extends ClientCredentialsDto {
  @ApiProperty({ example: '8xLOxBtZp8vR1mFv8mXmPGN1tDl8gL7kWm4X2F1C8aE' })
  @IsString()
  @MaxLength(16_384)
  readonly token: string;

  /** A hint about the token's kind; a wrong one does no harm. */
  @ApiPropertyOptional({ example: 'refresh_token' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  readonly token_type_hint?: string;
}

/** RFC 6750 §2.2: the access token in the form body, where the header cannot be used. */
export class UserinfoRequestDto {
  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @MaxLength(16_384)
  readonly access_token?: string;
}
