import { ApiProperty } from '@nestjs/swagger';
import { IsDefined, IsString, MaxLength } from 'class-validator';

/** Back-Channel Logout 1.0 §2.5. Other fields are ignored. */
export class BackChannelLogoutDto {
  /** A JWT that the other provider signed (§2.4). */
  @ApiProperty({ example: 'eyJ0eXAiOiJsb2dvdXQrand0IiwiYWxnIjoiUlMyNTYiLCJraWQiOiIxIn0.e30.c2ln', maxLength: 16_384 })
  @IsDefined({ message: 'logout_token is missing or empty' })
  @IsString()
  @MaxLength(16_384)
  readonly logout_token: string;
}

/**
 * Nothing is to be said, but clients that parse JSON get some (docs/wire/back-channel-logout-receiver.md#responses).
 */
export class LoggedOutDto {}

/** Back-Channel Logout 1.0 §2.8: for debugging, in the form of RFC 6749 §5.2. */
export class LogoutErrorDto {
  @ApiProperty({
    example: 'invalid_request',
    enum: ['invalid_request', 'temporarily_unavailable', 'too_many_requests'],
  })
  readonly error: string;

  @ApiProperty({ example: 'The logout token carries a nonce.' })
  readonly error_description: string;
}
