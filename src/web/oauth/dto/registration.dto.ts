import { ApiProperty } from '@nestjs/swagger';
import { ClientDto } from '../../admin/dto/clients.dto.js';

/** RFC 7591 §3.2.1 and RFC 7592 §3 */
export class RegisteredClientDto extends ClientDto {
  /** With it the client reads, replaces and deletes its registration. Shown once; only its hash is kept. */
  @ApiProperty({ example: 'reg-23410913-abewfq.123483' })
  readonly registration_access_token: string;

  @ApiProperty({ example: 'https://id.example.com/register/s6BhdRkqt3' })
  readonly registration_client_uri: string;
}
