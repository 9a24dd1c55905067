import { ApiProperty, ApiPropertyOptional, OmitType, PartialType } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  MinLength,
} from 'class-validator';
import {
  UPSTREAM_AUTH_METHODS,
  UPSTREAM_SIGNING_ALGORITHMS,
  type UpstreamAuthMethod,
  type UpstreamSigningAlgorithm,
} from '../../../platform/oidc/algorithms.js';
import { OPEN_ENUMS } from '../../../platform/oidc/open-enums.js';
import { UPSTREAM_NAME } from '../../../domain/upstreams/upstream-registration.js';

/** Another OpenID Provider that people may sign in with. */
export class CreateUpstreamDto {
  /** What URLs and the Elasticsearch API (`realm`) call it. */
  @ApiProperty({ example: 'corporate', pattern: UPSTREAM_NAME.source })
  @IsString()
  @Matches(UPSTREAM_NAME)
  readonly name: string;

  /** What people call it. The name when left out. */
  @ApiPropertyOptional({ example: 'Corporate SSO' })
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(100)
  readonly display_name?: string;

  /** Its issuer identifier, to the letter. Metadata and keys are read from it when they are first needed. */
  @ApiProperty({ example: 'https://login.example.org' })
  @IsString()
  @MaxLength(1000)
  readonly issuer: string;

  /** What we are called there. */
  @ApiProperty({ example: 'exeunt' })
  @IsString()
  @MinLength(1)
  @MaxLength(500)
  readonly client_id: string;

  /** Stored encrypted, never shown again. */
  @ApiPropertyOptional({ example: 'w5mY0bqvC7vXlqjvF0oC0b6i3C3m6m8n0oP1q2r3s4t', writeOnly: true })
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(1000)
  readonly client_secret?: string;

  /** With `private_key_jwt` the provider reads our keys from `/jwks`. */
  @ApiPropertyOptional({ enum: UPSTREAM_AUTH_METHODS, default: 'client_secret_basic' })
  @IsOptional()
  @IsIn(UPSTREAM_AUTH_METHODS)
  readonly token_endpoint_auth_method?: UpstreamAuthMethod;

  /** Where a facilitator (Elasticsearch API) has the browser sent back to. Without it facilitators cannot use this provider. */
  @ApiPropertyOptional({
    example: 'https://kibana.example.com/api/security/oidc/callback',
    nullable: true,
    type: String,
  })
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  readonly redirect_uri?: string | null;

  /** Where a facilitator has the browser sent after the logout there. */
  @ApiPropertyOptional({ example: 'https://kibana.example.com/security/logged_out', nullable: true, type: String })
  @IsOptional()
  @IsString()
  @MaxLength(2000)
  readonly post_logout_redirect_uri?: string | null;

  /** Space-delimited; `openid` is always among them. */
  @ApiPropertyOptional({ default: 'openid profile email' })
  @IsOptional()
  @IsString()
  @MaxLength(1000)
  readonly scope?: string;

  /** Our claim to the provider's, where the names differ. `login` says which claim a new account is named by. */
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string' },
    example: { login: 'upn', name: 'display_name' },
  })
  @IsOptional()
  @IsObject()
  readonly claim_mapping?: Readonly<Record<string, string>>;

  /** The one algorithm that its ID tokens and logout tokens are signed with. */
  @ApiPropertyOptional({ enum: UPSTREAM_SIGNING_ALGORITHMS, default: 'RS256' })
  @IsOptional()
  @IsIn(UPSTREAM_SIGNING_ALGORITHMS)
  readonly id_token_signed_response_alg?: UpstreamSigningAlgorithm;

  /** Whether a person who comes for the first time gets an account. Otherwise accounts must be linked before. */
  @ApiPropertyOptional({ default: true })
  @IsOptional()
  @IsBoolean()
  readonly creates_accounts?: boolean;

  /** A disabled one is not offered, and its logout tokens are refused. Sessions that began by it continue. */
  @ApiPropertyOptional({ default: true })
  @IsOptional()
  @IsBoolean()
  readonly enabled?: boolean;

  /**
   * `client_id`s whose people may come by it; `null`: all. People who came by it are signed in for no other
   * application, and a change reaches tokens that were issued before. For their own pages and the console only where it
   * is `null`.
   */
  @ApiPropertyOptional({ type: [String], nullable: true, default: null, example: ['ledger'] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1000)
  @IsString({ each: true })
  @MaxLength(255, { each: true })
  readonly clients?: readonly string[] | null;

  /** Logout dialects that may use it. */
  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'string', enum: [...OPEN_ENUMS.logoutDialect] },
    default: OPEN_ENUMS.logoutDialect,
  })
  @IsOptional()
  @IsArray()
  readonly dialects?: readonly string[];

  /**
   * Take its word that an e-mail address is verified. Otherwise `email_verified` is never `true` for people who come by
   * it: applications know people by verified addresses, and an operator of the provider could name any person's.
   */
  @ApiPropertyOptional({ default: false })
  @IsOptional()
  @IsBoolean()
  readonly trust_email?: boolean;

  /** With `trust_email`: only for addresses of these domains, and of none below them; `null`: for all. */
  @ApiPropertyOptional({ type: [String], nullable: true, default: null, example: ['example.org'] })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1000)
  @IsString({ each: true })
  @MaxLength(255, { each: true })
  readonly trusted_email_domains?: readonly string[] | null;

  /** As `trust_email`, for `phone_number_verified`. */
  @ApiPropertyOptional({ default: false })
  @IsOptional()
  @IsBoolean()
  readonly trust_phone_number?: boolean;

  /** Refuse its logout tokens without `exp`. Otherwise such a token is good as long as its `iat` is fresh. */
  @ApiPropertyOptional({ default: false })
  @IsOptional()
  @IsBoolean()
  readonly requires_logout_token_exp?: boolean;

  /**
   * The `client_id` of the client that this provider is here, where people also sign in there with us. Of a logout that
   * it orders every application is notified but this one.
   */
  @ApiPropertyOptional({ type: String, nullable: true, default: null, example: 'corporate-portal' })
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(255)
  readonly peer_client_id?: string | null;
}

/** What is left out stays as it is. */
export class UpdateUpstreamDto extends PartialType(CreateUpstreamDto) {}

export class UpstreamDto extends CreateUpstreamDto {
  @ApiProperty({ example: true })
  readonly has_secret: boolean;

  /** Register this as a redirect URI at the provider. */
  @ApiProperty({ example: 'http://localhost:3000/upstreams/corporate/callback' })
  readonly callback_uri: string;

  /** Register this as a post-logout redirect URI at the provider. */
  @ApiProperty({ example: 'http://localhost:3000/upstreams/corporate/signed-out' })
  readonly signed_out_uri: string;

  /** Register this as the back-channel logout URI at the provider. */
  @ApiProperty({ example: 'http://localhost:3000/api/v1/auth/oidc/backchannel-logout' })
  readonly backchannel_logout_uri: string;

  @ApiProperty({ example: '2026-11-21T10:00:00.000Z', format: 'date-time' })
  readonly created_at: string;

  @ApiProperty({ example: '2026-11-21T10:00:00.000Z', format: 'date-time' })
  readonly updated_at: string;
}

export class UpstreamListDto {
  @ApiProperty({ type: [UpstreamDto] })
  readonly items: UpstreamDto[];
}

/** Who a person at another provider is here. */
export class IdentityDto {
  @ApiProperty({ example: 'https://login.example.org' })
  @IsString()
  @MinLength(1)
  @MaxLength(1000)
  readonly issuer: string;

  /** The person's `sub` there. */
  @ApiProperty({ example: '248289761001' })
  @IsString()
  @MinLength(1)
  @MaxLength(255)
  readonly sub: string;
}

export class LinkedIdentityDto extends IdentityDto {
  @ApiProperty({ example: '2026-11-21T10:00:00.000Z', format: 'date-time' })
  readonly linked_at: string;
}

export class IdentityListDto {
  @ApiProperty({ type: [LinkedIdentityDto] })
  readonly items: LinkedIdentityDto[];
}

/** An organization of VMware CSP's: who its people sign in with. */
export class CreateOrganizationDto {
  @ApiProperty({ example: '5f1c0a52-8f0e-4a53-9d0a-2b7c5d1e9f00', pattern: '^[A-Za-z0-9._~-]{1,100}$' })
  @IsString()
  @MaxLength(100)
  readonly id: string;

  @ApiPropertyOptional({ example: 'Acme' })
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  readonly name?: string;

  /** Name of an upstream; `null`: this provider itself. */
  @ApiPropertyOptional({ example: 'corporate', nullable: true, type: String })
  @IsOptional()
  @IsString()
  @MaxLength(63)
  readonly upstream?: string | null;

  /** Where a request names no organization. There is one default at most; a new one takes the place of the old. */
  @ApiPropertyOptional({ default: false })
  @IsOptional()
  @IsBoolean()
  readonly default?: boolean;
}

export class UpdateOrganizationDto extends OmitType(CreateOrganizationDto, ['id']) {}

export class OrganizationDto {
  @ApiProperty({ example: '5f1c0a52-8f0e-4a53-9d0a-2b7c5d1e9f00' })
  readonly id: string;

  @ApiProperty({ example: 'Acme' })
  readonly name: string;

  @ApiProperty({ example: 'corporate', nullable: true, type: String })
  readonly upstream: string | null;

  @ApiProperty({ example: false })
  readonly default: boolean;
}

export class OrganizationListDto {
  @ApiProperty({ type: [OrganizationDto] })
  readonly items: OrganizationDto[];
}
