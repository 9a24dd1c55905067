import type { ParticipatingClient } from './participating-client.js';

/** A session by its whole key. */
export interface SessionKey {
  readonly accountId: string;
  readonly sessionId: string;
}

/** A session that is over, by the cookie that it had. */
export interface EndedSession {
  readonly accountId: string;
  readonly id: string;
  readonly terminationId: string | null;
}

/** A browser's session at the provider. Neither the cookie nor its hash is part of it. */
export interface Session {
  readonly id: string;
  readonly accountId: string;
  /** `auth_time` */
  readonly authenticatedAt: Date;
  readonly amr: readonly string[];
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  readonly expiresAt: Date;
  readonly address: string | null;
  readonly userAgent: string | null;
  readonly terminatedAt: Date | null;
  readonly terminationId: string | null;
}

/** The session that a cookie names, with what pages say about the person. */
export interface SignedInSession extends Session {
  readonly login: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** How many applications take part in it. */
  readonly clientCount: number;
  /** The upstream that the person came by last; undefined when none. */
  readonly upstreamId: string | undefined;
  /** Whether a sign-in in it counts for the client that was asked about; for every client when none was. */
  readonly serves: boolean;
}

/** What a session keeps of a sign-in at another provider. */
export interface UpstreamLink {
  readonly upstreamId: string;
  readonly issuer: string;
  readonly sub: string;
  readonly sid: string | undefined;
  /** Sealed by the caller; this module does not look into it. */
  readonly idToken: string;
}

/** An application in a session, as the dialog speaks of it before it ends. */
export interface SessionApplication {
  readonly clientId: string;
  readonly name: string;
  readonly uri: string | undefined;
  /** `back_channel`, `front_channel`, or why it cannot be notified (`howClientIsNotified`). */
  readonly told: string;
  /** What decides whether its frame may be loaded. */
  readonly registered: {
    readonly frontchannel_logout_uri: string | undefined;
    readonly redirect_uris: readonly string[];
  };
}

export interface SessionWithClients extends Session {
  readonly clients: readonly ParticipatingClient[];
}

/** Where a sign-in came from: kept for the person's own list. */
export interface Browser {
  /** Null when a facilitator signed the person in: then only that one's address is known. */
  readonly address: string | null;
  readonly userAgent: string | undefined;
}
