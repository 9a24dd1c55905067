import type { Client } from '../clients/client.js';
import type { SignedInSession } from '../sessions/session.js';
import type { AuthorizationRequest } from './authorization-request.js';
import type { InteractionRow } from './interactions.sql.js';

/** What a person came for. */
export type InteractionPurpose =
  | { readonly kind: 'authorize'; readonly request: AuthorizationRequest }
  /** Their own pages, such as the list of their sessions. */
  | { readonly kind: 'own_page' };

/** A person is being asked something. */
export type Interaction = InteractionPurpose & {
  /** The session in which they proved, within this interaction, who they are. */
  readonly sessionId: string | undefined;
  /** Only an open one is answered. The others are there to lead people on. */
  readonly state: 'open' | 'answered' | 'lapsed';
  /** What its row is written from by the first statement that needs one. */
  readonly row: InteractionRow;
};

/** The browser that interactions are bound to, as its edge knows it. */
export interface InteractingBrowser {
  /** Undefined: it has never been here, so no interaction is its own. */
  readonly idHash: Buffer | undefined;
  /** @param clientId the client that it is to serve */
  session(clientId?: string): Promise<SignedInSession | undefined>;
}

/**
 * An interaction of this browser, with the client it is for: the client as it is now, and its request as it may be
 * answered now.
 */
export type OwnInteraction = Interaction & { readonly id: string } & (
    | { readonly kind: 'authorize'; readonly client: Client; readonly request: AuthorizationRequest }
    | { readonly kind: 'own_page' }
  );

/** The same, with who is signed in in this browser. */
export type CurrentInteraction = OwnInteraction & {
  readonly session: SignedInSession | undefined;
  /** Of the cookie that the session has just been given, where it was not looked up by it: it must still have that one. */
  readonly cookieHash?: Buffer;
};
