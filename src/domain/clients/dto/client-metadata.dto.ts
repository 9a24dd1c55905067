import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  MaxLength,
  Min,
} from 'class-validator';
import { ApiHideProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ID_TOKEN_ALGORITHMS, REQUEST_OBJECT_ALGORITHMS } from '../../../platform/oidc/algorithms.js';
import { ID_TOKEN_CLAIMS } from '../../../platform/oidc/client-metadata.js';
import { OPEN_ENUMS } from '../../../platform/oidc/open-enums.js';

const MAX_URIS = 100;

/** Metadata of a client as it is sent to `/register` and `/admin/v1/clients` (RFC 7591 §2). Unknown members are ignored. */
export class ClientMetadataDto {
  /** What people see on the sign-in and consent pages. */
  @ApiPropertyOptional({ example: 'Ledger' })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  readonly client_name?: string;

  /** `native` clients may use private-use schemes and any port of a loopback redirect URI (RFC 8252). */
  @ApiPropertyOptional({ enum: ['web', 'native'], default: 'web' })
  @IsOptional()
  @IsIn(['web', 'native'])
  readonly application_type?: string;

  /** Where answers to authorization requests may go. Compared byte for byte. */
  @ApiPropertyOptional({ type: [String], example: ['https://ledger.example.com/callback'] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_URIS)
  @IsString({ each: true })
  readonly redirect_uris?: string[];

  /** Where a browser may go after logout (RP-Initiated Logout 1.0 §3.1). Compared byte for byte. */
  @ApiPropertyOptional({ type: [String], example: ['https://ledger.example.com/signed-out'] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_URIS)
  @IsString({ each: true })
  readonly post_logout_redirect_uris?: string[];

  /** `code` is what we offer; others are dropped and the answer says what was taken. */
  @ApiPropertyOptional({ type: [String], example: ['code'] })
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  readonly response_types?: string[];

  /** Grant types that are not offered are dropped. */
  @ApiPropertyOptional({ type: [String], example: ['authorization_code', 'refresh_token'] })
  @IsOptional()
  @IsArray()
  @IsString({ each: true })
  readonly grant_types?: string[];

  /** How the client proves who it is at `/token`, `/revoke` and `/introspect`. */
  @ApiPropertyOptional({ enum: OPEN_ENUMS.clientAuthMethod, default: 'client_secret_basic' })
  @IsOptional()
  readonly token_endpoint_auth_method?: string;

  /** Algorithm of the client's assertions, with `private_key_jwt`. */
  @ApiPropertyOptional({ example: 'ES256' })
  @IsOptional()
  @IsString()
  @MaxLength(20)
  readonly token_endpoint_auth_signing_alg?: string;

  /** The client's public keys by value. Never together with `jwks_uri`. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true, example: { keys: [] } })
  @IsOptional()
  @IsObject()
  readonly jwks?: { keys: Record<string, unknown>[] };

  /** Where the client publishes its keys. Never together with `jwks`. */
  @ApiPropertyOptional({ example: 'https://ledger.example.com/jwks.json' })
  @IsOptional()
  @IsString()
  readonly jwks_uri?: string;

  /** Algorithm of ID tokens and logout tokens for this client. */
  @ApiPropertyOptional({ enum: ID_TOKEN_ALGORITHMS, default: 'RS256' })
  @IsOptional()
  @IsIn(ID_TOKEN_ALGORITHMS)
  readonly id_token_signed_response_alg?: string;

  /** Userinfo comes as a JWT signed with it (`application/jwt`); as JSON when left out. */
  @ApiPropertyOptional({ enum: ID_TOKEN_ALGORITHMS, example: 'RS256' })
  @IsOptional()
  @IsIn(ID_TOKEN_ALGORITHMS)
  readonly userinfo_signed_response_alg?: string;

  /** The one algorithm of the client's request objects, which its registered keys verify; any of these when left out. */
  @ApiPropertyOptional({ enum: REQUEST_OBJECT_ALGORITHMS, example: 'ES256' })
  @IsOptional()
  @IsIn(REQUEST_OBJECT_ALGORITHMS)
  readonly request_object_signing_alg?: string;

  /**
   * Whether ID tokens carry the claims of the granted scopes (`scope`) or leave them to userinfo (`conform`, OpenID
   * Connect Core 1.0 §5.4). What `EXEUNT_ID_TOKEN_CLAIMS` says when left out; `conform` for who registers itself.
   */
  @ApiPropertyOptional({ enum: ID_TOKEN_CLAIMS, example: 'scope' })
  @IsOptional()
  @IsIn(ID_TOKEN_CLAIMS)
  readonly id_token_claims?: string;

  /** Scopes the client may ask for, space-delimited. */
  @ApiPropertyOptional({ example: 'openid profile email offline_access' })
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  readonly scope?: string;

  /** Where we POST logout tokens (Back-Channel Logout 1.0 §2.2). */
  @ApiPropertyOptional({ example: 'https://ledger.example.com/backchannel-logout' })
  @IsOptional()
  @IsString()
  readonly backchannel_logout_uri?: string;

  /** The client needs `sid` in logout tokens; we always send it for a session. */
  @ApiPropertyOptional({ default: false })
  @IsOptional()
  @IsBoolean()
  readonly backchannel_logout_session_required?: boolean;

  /** Causes of logout of which the client is notified. All when left out; to be notified of none, register no URI. */
  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'string', enum: [...OPEN_ENUMS.terminationCause] },
    example: ['end_session', 'account_disabled'],
  })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(100)
  readonly backchannel_logout_causes?: string[];

  /** Logout tokens carry the claim `reason`: the cause of the termination. Otherwise they have no such claim. */
  @ApiPropertyOptional({ default: false })
  @IsOptional()
  @IsBoolean()
  readonly backchannel_logout_reason_required?: boolean;

  /** Loaded in a frame at logout; on the origin of a redirect URI (Front-Channel Logout 1.0 §2). */
  @ApiPropertyOptional({ example: 'https://ledger.example.com/frontchannel-logout' })
  @IsOptional()
  @IsString()
  readonly frontchannel_logout_uri?: string;

  @ApiPropertyOptional({ default: false })
  @IsOptional()
  @IsBoolean()
  readonly frontchannel_logout_session_required?: boolean;

  /** Where a third party may start a sign-in; https (OpenID Connect Core 1.0 §4). */
  @ApiPropertyOptional({ example: 'https://ledger.example.com/login' })
  @IsOptional()
  @IsString()
  readonly initiate_login_uri?: string;

  @ApiPropertyOptional({ example: 'https://ledger.example.com' })
  @IsOptional()
  @IsString()
  readonly client_uri?: string;

  @ApiPropertyOptional({ example: 'https://ledger.example.com/logo.png' })
  @IsOptional()
  @IsString()
  readonly logo_uri?: string;

  @ApiPropertyOptional({ example: 'https://ledger.example.com/privacy' })
  @IsOptional()
  @IsString()
  readonly policy_uri?: string;

  @ApiPropertyOptional({ example: 'https://ledger.example.com/terms' })
  @IsOptional()
  @IsString()
  readonly tos_uri?: string;

  @ApiPropertyOptional({ type: [String], example: ['ops@ledger.example.com'] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(20)
  @IsString({ each: true })
  readonly contacts?: string[];

  /** `max_age` where a request names none, in seconds. */
  @ApiPropertyOptional({ example: 3600 })
  @IsOptional()
  @IsInt()
  @Min(0)
  readonly default_max_age?: number;

  /** Puts `auth_time` into every ID token. */
  @ApiPropertyOptional({ default: false })
  @IsOptional()
  @IsBoolean()
  readonly require_auth_time?: boolean;

  /** The client's requests are taken from `/par` alone (RFC 9126 §6). */
  @ApiPropertyOptional({ default: false })
  @IsOptional()
  @IsBoolean()
  readonly require_pushed_authorization_requests?: boolean;

  /** Only `public` subject identifiers are offered. */
  @ApiPropertyOptional({ enum: ['public'], default: 'public' })
  @IsOptional()
  @IsString()
  readonly subject_type?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @MaxLength(200)
  readonly software_id?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @MaxLength(200)
  readonly software_version?: string;

  /** First-party application: people are not asked for consent. Taken from administrators only. */
  @ApiPropertyOptional({ default: false })
  @IsOptional()
  @IsBoolean()
  readonly skip_consent?: boolean;

  /** Spares the logout dialog when a valid hint belongs to the browser's session. Taken from administrators only. */
  @ApiPropertyOptional({ default: false })
  @IsOptional()
  @IsBoolean()
  readonly skip_logout_confirmation?: boolean;

  /**
   * For applications that sign out without a browser: an ID token or access token that is still good, sent as a hint, ends
   * its session at once, without cookie and dialog. It makes every such token a way to sign its owner out. Administrators
   * only.
   */
  @ApiPropertyOptional({ default: false })
  @IsOptional()
  @IsBoolean()
  readonly headless_logout?: boolean;

  /** May introspect tokens that are meant for it. Taken from administrators only. */
  @ApiPropertyOptional({ default: false })
  @IsOptional()
  @IsBoolean()
  readonly resource_server?: boolean;

  /** `aud` of this client's access tokens, the issuer when empty. Taken from administrators only. */
  @ApiPropertyOptional({ type: [String], example: ['https://api.example.com'] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(20)
  @IsString({ each: true })
  @MaxLength(500, { each: true })
  readonly audience?: string[];

  /** A facilitator of the Elasticsearch API (`manage_oidc`, `manage_token`). Taken from administrators only. */
  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'string', enum: [...OPEN_ENUMS.permission] },
    example: ['manage_oidc', 'manage_token'],
  })
  @IsOptional()
  @IsArray()
  readonly permissions?: string[];

  /** `jwt` (RFC 9068) or `opaque` access tokens. */
  @ApiPropertyOptional({ enum: ['jwt', 'opaque'], default: 'jwt' })
  @IsOptional()
  @IsIn(['jwt', 'opaque'])
  readonly access_token_format?: string;

  @ApiHideProperty()
  @IsOptional()
  readonly id_token_encrypted_response_alg?: unknown;

  @ApiHideProperty()
  @IsOptional()
  readonly userinfo_encrypted_response_alg?: unknown;

  @ApiHideProperty()
  @IsOptional()
  readonly request_object_encryption_alg?: unknown;
}
