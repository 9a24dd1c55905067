import { IsString, MaxLength } from 'class-validator';

export class ToyLogoutDto {
  /** An ID token of ours that has not expired. */
  @IsString()
  @MaxLength(16_384)
  readonly session_token: string;
}

export class ToyEndedDto {
  readonly ended: number;
}
