import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';

/** Sign out of this session, of the application that asked alone, of every session; or not at all. */
const DECISIONS = ['logout', 'client', 'everywhere', 'stay'] as const;

/** RP-Initiated Logout 1.0 §2, and `access_token_hint` as cidaas documents it. All optional. */
export class EndSessionRequestDto {
  /** An ID token we issued to the application, expired or not. Recommended: it names the application. */
  @ApiPropertyOptional({ example: 'eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IjIifQ.e30.c2ln' })
  @IsOptional()
  @IsString()
  @MaxLength(16_384)
  readonly id_token_hint?: string;

  /** An access token we issued to the application, expired or not; one that was revoked counts as not sent. */
  @ApiPropertyOptional({ example: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2ln' })
  @IsOptional()
  @IsString()
  @MaxLength(16_384)
  readonly access_token_hint?: string;

  /** Who is meant to leave. Taken as a wish: the cookie decides. */
  @ApiPropertyOptional({ example: 'mia@example.com' })
  @IsOptional()
  @IsString()
  @MaxLength(1000)
  readonly logout_hint?: string;

  /** Must be the application that the hint was issued to. */
  @ApiPropertyOptional({ example: 'ledger' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly client_id?: string;

  /**
   * Where the browser goes afterwards, as registered for the application that the hint names. With `client_id` and no hint
   * it becomes a link on the page that follows the person's choice.
   */
  @ApiPropertyOptional({ example: 'https://ledger.example.com/signed-out' })
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  readonly post_logout_redirect_uri?: string;

  /** Comes back with the redirect, byte for byte. */
  @ApiPropertyOptional({ example: 'af0ifjsldkj' })
  @IsOptional()
  @IsString()
  @MaxLength(4000)
  readonly state?: string;

  /** Taken as a wish. */
  @ApiPropertyOptional({ example: 'en' })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  readonly ui_locales?: string;
}

/** The same by form (POST), or the dialog's own answer. */
export class EndSessionFormDto extends EndSessionRequestDto {
  /** Only in the dialog's own form: what the person chose. */
  @ApiPropertyOptional({ enum: DECISIONS, example: 'logout' })
  @IsOptional()
  @IsIn(DECISIONS)
  readonly decision?: (typeof DECISIONS)[number];

  /** Only in the dialog's own form: also at the provider that the person signed in with. */
  @ApiPropertyOptional({ enum: ['logout'] })
  @IsOptional()
  @IsIn(['logout'])
  readonly upstream?: 'logout';

  /** Only in the dialog's own form: bound to the browser. */
  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @MaxLength(200)
  readonly csrf?: string;

  /** Only in the dialog's own form: what the dialog was shown for, sealed. */
  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  // Room for the longest `state` and URI with every character escaped by JSON, sealed in base64url.
  @MaxLength(40_000)
  readonly request?: string;
}

/** What another provider sends back after its own logout (RP-Initiated Logout 1.0 §3). */
export class UpstreamReturnDto {
  /** As it was sent along: sealed by us. */
  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @MaxLength(4000)
  readonly state?: string;
}
