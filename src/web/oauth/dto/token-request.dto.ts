import { ApiProperty, ApiPropertyOptional, IntersectionType, PartialType } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import type { Type } from '@nestjs/common';
import type { OfferedProofs } from '../../../domain/clients/proofs/offered-proofs.js';
import { OPEN_ENUMS } from '../../../platform/oidc/open-enums.js';
import type { OfferedGrantTypes } from '../../../domain/tokens/grants/offered-grant-types.js';

/** A form of `/token`, `/revoke` or `/introspect`, checked: each parameter was sent once. */
export interface OAuthForm {
  readonly [parameter: string]: string | undefined;
}

/** RFC 6749 §3.2. */
export interface TokenRequestForm extends OAuthForm {
  readonly grant_type: string;
}

/** RFC 7009 §2.1 and RFC 7662 §2.1. */
export interface TokenParameterForm extends OAuthForm {
  readonly token: string;
}

class ClientIdDto {
  /** The client, where it does not authenticate by the `Authorization` header. */
  @ApiPropertyOptional({ example: 'ledger' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly client_id?: string;
}

class TokenDto {
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

class GrantTypeDto {
  @ApiProperty({ enum: OPEN_ENUMS.grantType, example: 'refresh_token' })
  @IsString()
  @MaxLength(200)
  readonly grant_type: string;
}

/** The body of `/token`, as far as it is the same everywhere. */
export class TokenRequestDto extends IntersectionType(ClientIdDto, GrantTypeDto) {}

/** The body of `/revoke` and `/introspect`, as far as it is the same everywhere. */
export class TokenParameterDto extends IntersectionType(ClientIdDto, TokenDto) {}

/**
 * {@link TokenRequestDto} with what the offered kinds of client authentication and the offered grant types read. What one
 * of them requires is optional here, since another may have been chosen.
 */
export function offeredTokenRequest(grants: OfferedGrantTypes, proofs: OfferedProofs): Type<object> {
  const parameters = grants.list.map((grant) => PartialType(grant.parameters));
  return class OfferedTokenRequestDto extends IntersectionType(
    ClientIdDto,
    ...credentials(proofs),
    GrantTypeDto,
    ...parameters,
  ) {};
}

/** {@link TokenParameterDto} with what the offered kinds of client authentication read. */
export function offeredTokenParameter(proofs: OfferedProofs): Type<object> {
  return class OfferedTokenParameterDto extends IntersectionType(ClientIdDto, ...credentials(proofs), TokenDto) {};
}

/** What the offered kinds of client authentication read, and nothing else. */
export function offeredCredentials(proofs: OfferedProofs): Type<object> {
  return class OfferedCredentialsDto extends IntersectionType(ClientIdDto, ...credentials(proofs)) {};
}

function credentials(proofs: OfferedProofs): ReadonlyArray<Type<object>> {
  return proofs.parameters.map((parameters) => PartialType(parameters));
}

/** RFC 6750 §2.2: the access token in the form body, where the header cannot be used. */
export class UserinfoRequestDto {
  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @MaxLength(16_384)
  readonly access_token?: string;
}
