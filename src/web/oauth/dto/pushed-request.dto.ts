import { ApiProperty } from '@nestjs/swagger';

/** RFC 9126 §2.2 */
export class PushedRequestDto {
  /** For `/authorize`, together with `client_id`. */
  @ApiProperty({ example: 'urn:ietf:params:oauth:request_uri:pG9qSgBu1cTLZ4ln4yQnXl7Qn0yC8kq5xJ0m6b2vX4c' })
  readonly request_uri: string;

  /** Seconds in which a browser must come with it. */
  @ApiProperty({ example: 300 })
  readonly expires_in: number;
}
