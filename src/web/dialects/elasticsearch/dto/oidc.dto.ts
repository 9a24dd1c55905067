import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { AuthenticationDto } from './authentication.dto.js';

/** Asks where to send a browser that is to sign in. Exactly one of `realm` and `iss`. */
export class OidcPrepareRequestDto {
  /** The realm by its name. */
  @ApiPropertyOptional({ example: 'acme' })
  readonly realm?: string;

  /** The realm by its issuer, to the letter, as a third party that starts a sign-in names it. */
  @ApiPropertyOptional({ example: 'https://op.example.com' })
  readonly iss?: string;

  /** Who is probably going to sign in; goes to the provider. */
  @ApiPropertyOptional({ example: 'mia@example.com' })
  readonly login_hint?: string;

  /** Made up when it is not sent. */
  @ApiPropertyOptional({ example: 'ZkQ2l0n3qPp8rJxw1m4YdH7cVbTgUeSa5oIfKzNvXyL' })
  readonly state?: string;

  /** Made up when it is not sent. */
  @ApiPropertyOptional({ example: '8dQmT1cXw0LrYb6ZfJ5uPk3sVnEoGh2aIq7NtRyWxUv' })
  readonly nonce?: string;
}

/** Nothing of it is kept here: the caller keeps `state` and `nonce` and sends them back. */
export class OidcPrepareResponseDto {
  /** Where to send the browser. */
  @ApiProperty({
    example:
      'https://op.example.com/authorize?scope=openid&response_type=code&redirect_uri=https%3A%2F%2Fkibana.example.com%2Fapi%2Fsecurity%2Foidc%2Fcallback&state=ZkQ2l0n3qPp8rJxw1m4YdH7cVbTgUeSa5oIfKzNvXyL&nonce=8dQmT1cXw0LrYb6ZfJ5uPk3sVnEoGh2aIq7NtRyWxUv&client_id=exeunt',
  })
  readonly redirect: string;

  @ApiProperty({ example: 'ZkQ2l0n3qPp8rJxw1m4YdH7cVbTgUeSa5oIfKzNvXyL' })
  readonly state: string;

  @ApiProperty({ example: '8dQmT1cXw0LrYb6ZfJ5uPk3sVnEoGh2aIq7NtRyWxUv' })
  readonly nonce: string;

  /** The realm's name, also when it was asked for by `iss`. */
  @ApiProperty({ example: 'acme' })
  readonly realm: string;
}

/** Brings back what the provider sent the browser with. */
export class OidcAuthenticateRequestDto {
  /** The URL that the provider sent the browser to, as it came. Path and query are enough. */
  @ApiProperty({
    example:
      'https://kibana.example.com/api/security/oidc/callback?code=jtI3Ntt8v3_XvcLzCFGq&state=4dbrihtIAt3wBTwo6DxK',
  })
  readonly redirect_uri?: string;

  /** From `prepare`, as the caller kept it for this browser. */
  @ApiProperty({ example: '4dbrihtIAt3wBTwo6DxK' })
  readonly state?: string;

  /** From `prepare`, as the caller kept it for this browser. */
  @ApiProperty({ example: 'WaBPH0KqPVdG5HHdSxPRjfoZbXMCicm5v1OiAj0DUFM' })
  readonly nonce?: string;

  /** The only realm that may take it. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'acme' })
  readonly realm?: string | null;
}

/** Our own tokens for the person; those of the provider are not handed out. */
export class OidcAuthenticateResponseDto {
  @ApiProperty({ example: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2ln' })
  readonly access_token: string;

  @ApiProperty({ enum: ['Bearer'], example: 'Bearer' })
  readonly type: 'Bearer';

  /** Seconds. */
  @ApiProperty({ example: 600 })
  readonly expires_in: number;

  @ApiPropertyOptional({ example: 'vLBPvmAB6KvwvJZr27cSvLBPvmAB6KvwvJZr27cS-_0' })
  readonly refresh_token?: string;

  @ApiProperty({ example: 'mia@example.com' })
  readonly username: string;

  @ApiProperty({ type: AuthenticationDto })
  readonly authentication: AuthenticationDto;
}

/** Ends the session that the tokens were issued in. */
export class OidcLogoutRequestDto {
  /** The person's access token, as `authenticate` answered it. It may have expired or been invalidated. */
  @ApiPropertyOptional({ example: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2ln' })
  readonly token?: string;

  /** The same by the name that the documentation's prose gives it. Unknown with `ELASTICSEARCH_STRICT`. */
  @ApiPropertyOptional({ deprecated: true })
  readonly access_token?: string;

  /** The refresh token beside it. Without it, it ends as well, unless `offline_access` was granted. */
  @ApiPropertyOptional({ example: 'vLBPvmAB6KvwvJZr27cSvLBPvmAB6KvwvJZr27cS-_0' })
  readonly refresh_token?: string;
}

/** The tokens are dead by now. */
export class OidcLogoutResponseDto {
  /** Where to send the browser to sign out at the provider as well; null when there is no such place. */
  @ApiProperty({
    type: String,
    nullable: true,
    example:
      'https://op.example.com/logout?id_token_hint=eyJhbGciOiJSUzI1NiJ9.e30.c2ln&post_logout_redirect_uri=https%3A%2F%2Fkibana.example.com%2Flogged_out&state=lGYK0EcSLjqH6pkT5EVZjC6eIW5YCGgywj2sxROO0tM',
  })
  readonly redirect: string | null;
}
