import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** Where a person was authenticated. */
export class AuthenticationRealmDto {
  /** An upstream by its name, or `exeunt` for this service itself. */
  @ApiProperty({ example: 'acme' })
  readonly name: string;

  @ApiProperty({ enum: ['oidc', 'native'], example: 'oidc' })
  readonly type: 'oidc' | 'native';
}

/** The client that an API key stands for. */
export class ApiKeyDto {
  @ApiProperty({ example: 'kibana' })
  readonly id: string;

  @ApiProperty({ example: 'Kibana' })
  readonly name: string;
}

/** Who a credential stands for. */
export class AuthenticationDto {
  /** A person's login, or a client's id. */
  @ApiProperty({ example: 'mia@example.com' })
  readonly username: string;

  /** A client's privileges; a person has none here. */
  @ApiProperty({ type: [String], example: [] })
  readonly roles: string[];

  @ApiProperty({ type: String, nullable: true, example: 'Mia Example' })
  readonly full_name: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'mia@example.com' })
  readonly email: string | null;

  /** `oidc(sub)`, `oidc(iss)` and what else the realm said. */
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { 'oidc(sub)': '248289761001', 'oidc(iss)': 'https://op.example.com' },
  })
  readonly metadata: Record<string, unknown>;

  @ApiProperty({ example: true })
  readonly enabled: true;

  @ApiProperty({ type: AuthenticationRealmDto })
  readonly authentication_realm: AuthenticationRealmDto;

  @ApiProperty({ type: AuthenticationRealmDto })
  readonly lookup_realm: AuthenticationRealmDto;

  /** By what kind of credential. */
  @ApiProperty({ enum: ['realm', 'token', 'api_key'], example: 'token' })
  readonly authentication_type: 'realm' | 'token' | 'api_key';

  @ApiPropertyOptional({ type: ApiKeyDto })
  readonly api_key?: ApiKeyDto;
}
