import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import { LogoutCheckDto } from './logout-check.dto.js';
import { ClientMetadataDto } from '../../../domain/clients/dto/client-metadata.dto.js';

/** Metadata of RFC 7591, and what only administrators set. Members that are not known are refused. */
export class ChangeClientDto extends ClientMetadataDto {
  /** A secret that you bring, for an application that has one built in. Left out: it is generated, or stays. */
  @ApiPropertyOptional({ minLength: 16, maxLength: 255, example: 'w5mY0bqvC7vXlqjvF0oC0b6i3C3m6m8n0oP1q2r3s4t' })
  readonly client_secret?: string;
}

/** A client to create. */
export class CreateClientDto extends ChangeClientDto {
  /** Chosen by you, or generated. */
  @ApiPropertyOptional({ example: 'ledger', pattern: '^[A-Za-z0-9._~-]{3,100}$' })
  readonly client_id?: string;

  /** Try the back-channel logout endpoint at once, and say in the answer what came back. */
  @ApiPropertyOptional({ default: false })
  readonly logout_check?: boolean;
}

/** A client as registered, with every default that was filled in. */
export class ClientDto extends ClientMetadataDto {
  @ApiProperty({ example: 'ledger' })
  readonly client_id: string;

  /** Seconds since 1970. */
  @ApiProperty({ example: 1795230000 })
  readonly client_id_issued_at: number;

  /** Only where a secret was just made: it is shown once and only its hash is kept. */
  @ApiPropertyOptional({ example: 'w5mY0bqvC7vXlqjvF0oC0b6i3C3m6m8n0oP1q2r3s4t' })
  readonly client_secret?: string;

  /** 0: it does not expire. */
  @ApiPropertyOptional({ example: 0 })
  readonly client_secret_expires_at?: number;

  /** Since when no person can sign in with it; absent while it may be used. */
  @ApiPropertyOptional({ format: 'date-time' })
  readonly disabled_at?: string;
}

export class CreatedClientDto extends ClientDto {
  /** When it was asked for. */
  @ApiPropertyOptional({ type: LogoutCheckDto })
  readonly logout_check?: LogoutCheckDto;
}

export class ClientListDto {
  @ApiProperty({ type: [ClientDto] })
  readonly items: ClientDto[];

  /** Absent on the last page. */
  @ApiPropertyOptional()
  readonly next_cursor?: string;
}

export class PostLogoutRedirectUriDto {
  /** Compared byte for byte. */
  @ApiProperty({ example: 'https://ledger.example.com/signed-out' })
  @IsString()
  @MaxLength(2000)
  readonly uri: string;
}

export class PostLogoutRedirectUrisDto {
  @ApiProperty({ type: [String], example: ['https://ledger.example.com/signed-out'] })
  readonly post_logout_redirect_uris: readonly string[];
}

export class ClientSecretDto {
  @ApiProperty({ example: 'ledger' })
  readonly client_id: string;

  /** Shown once. The one before stopped working. */
  @ApiProperty({ example: 'w5mY0bqvC7vXlqjvF0oC0b6i3C3m6m8n0oP1q2r3s4t' })
  readonly client_secret: string;

  @ApiProperty({ example: 0 })
  readonly client_secret_expires_at: number;
}
