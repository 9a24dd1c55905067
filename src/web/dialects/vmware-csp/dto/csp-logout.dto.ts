import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';

const ID_TOKEN = 'eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IjIifQ.e30.c2ln';

/** The query of `POST /csp/gateway/am/api/v2/auth/logout`. All optional. */
export class CspLogoutV2QueryDto {
  /**
   * Where the browser goes after the logout, in place of the provider's own page: an absolute URI, percent-encoded,
   * registered for the client that the ID token was issued to, to the letter. Only with `idToken`.
   */
  @ApiPropertyOptional({ example: 'https://ledger.example.com/signed-out' })
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  readonly post_logout_redirect_uri?: string;

  /** The organization, whose identity provider is asked for. Without it: the default organization. */
  @ApiPropertyOptional({ example: '5f1c0a3e-0a52-4d0f-9f0e-6d2a3c1b7e90' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly orgId?: string;

  /** Opaque; comes back to `post_logout_redirect_uri` from the identity provider. Dropped when that is not sent. */
  @ApiPropertyOptional({ example: 'af0ifjsldkj' })
  @IsOptional()
  @IsString()
  @MaxLength(4000)
  readonly state?: string;
}

/** The query of `POST /csp/gateway/am/api/auth/logout`. All optional. */
export class CspLogoutQueryDto extends CspLogoutV2QueryDto {
  /** The link to the organization, `/csp/am/api/orgs/{orgId}` or `/csp/gateway/am/api/orgs/{orgId}`. Use `orgId`. */
  @ApiPropertyOptional({ deprecated: true, example: '/csp/am/api/orgs/5f1c0a3e-0a52-4d0f-9f0e-6d2a3c1b7e90' })
  @IsOptional()
  @IsString()
  @MaxLength(300)
  readonly orgLink?: string;
}

/** The body; required, even when it is `{}`. */
export class IdTokenDto {
  /**
   * The ID token of the login, expired or not, issued by this provider or by the identity provider behind it. It says
   * which client asks and about which person.
   */
  @ApiPropertyOptional({ example: ID_TOKEN })
  @IsOptional()
  @IsString()
  @MaxLength(16_384)
  readonly idToken?: string;
}

/** The caller navigates there; v1 never redirects. */
export class UrlResponseDto {
  /** The logout URL of the identity provider. */
  @ApiProperty({ example: `https://idp.example.com/logout?id_token_hint=${ID_TOKEN}` })
  readonly url: string;
}

/** Every error has all six. */
export class CspErrorResponseDto {
  /** The number of the case: `<moduleCode>.<area>-<case>.<n>`. Does not change. */
  @ApiProperty({ example: '540.404-100.001' })
  readonly cspErrorCode: string;

  /** For people. */
  @ApiProperty({ example: 'Organization not found' })
  readonly message: string;

  /** The symbol of the case. Does not change. */
  @ApiProperty({ example: 'ORG_NOT_FOUND' })
  readonly errorCode: string;

  /** Leads to the line in the log; also in `X-Request-ID`. */
  @ApiProperty({ example: '0c7e51a2b9d34f60' })
  readonly requestId: string;

  /** The part of the platform that answers. Always the same. */
  @ApiProperty({ example: '540' })
  readonly moduleCode: string;

  /** The status of HTTP. */
  @ApiProperty({ example: 404 })
  readonly statusCode: number;
}
