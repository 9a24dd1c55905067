/** A client's part in a session: how it knows the session, and since when. */
export interface ParticipatingClient {
  readonly clientId: string;
  readonly sid: string;
  readonly joinedAt: Date;
}
