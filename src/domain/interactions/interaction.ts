import type { Client } from '../clients/client.js';
import type { SignedInSession } from '../sessions/session.js';
import type { AuthorizationRequest } from './authorization-request.js';

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
export type OwnInteraction = Interaction & { readonly id: string; readonly browserHash: Buffer } & (
    | { readonly kind: 'authorize'; readonly client: Client; readonly request: AuthorizationRequest }
    | { readonly kind: 'own_page' }
  );

/** The same, with who is signed in in this browser. */
export type CurrentInteraction = OwnInteraction & { readonly session: SignedInSession | undefined };
