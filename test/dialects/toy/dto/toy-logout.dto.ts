/** As `ToyBodyPipe` reads it from a line of text. */
export class ToyLogoutDto {
  /** An ID token of this provider that has not expired. */
  readonly session_token: string;
}

export class ToyEndedDto {
  readonly ended: number;
}
