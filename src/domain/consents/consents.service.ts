import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { Clock } from '../../platform/clock/clock.js';
import { statement } from '../../platform/database/statement.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import type { AuthorizationRequest } from '../interactions/authorization-request.js';

const FIND = statement(
  'consents_covers',
  'SELECT 1 FROM consents WHERE account_id = $1 AND client_id = $2 AND scope @> $3::text[] AND claims @> $4::text[]',
);

const REMEMBER = statement(
  'consents_remember',
  `INSERT INTO consents (account_id, client_id, scope, claims, granted_at) VALUES ($1, $2, $3, $4, $5)
   ON CONFLICT (account_id, client_id) DO UPDATE SET granted_at = excluded.granted_at,
     scope = ARRAY(SELECT DISTINCT unnest(consents.scope || excluded.scope)),
     claims = ARRAY(SELECT DISTINCT unnest(consents.claims || excluded.claims))`,
);

const HOLD = statement(
  'consents_hold',
  'SELECT client_id FROM consents WHERE account_id = $1 AND client_id = $2 FOR KEY SHARE',
);

const LIST = statement(
  'consents_list',
  'SELECT client_id, scope, claims, granted_at FROM consents WHERE account_id = $1 ORDER BY granted_at DESC, client_id',
);

const FORGET = statement(
  'consents_forget',
  'DELETE FROM consents WHERE account_id = $1 AND client_id = $2 RETURNING client_id',
);

/** What a person allowed one application, all in all. */
export interface Consent {
  readonly clientId: string;
  readonly scope: readonly string[];
  readonly claims: readonly string[];
  readonly grantedAt: Date;
}

/** What people allowed applications, remembered so that they are asked once (Core §3.1.2.4). */
@Injectable()
export class ConsentsService {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
  ) {}

  /** Whether the person need not be asked: a first-party application, or everything was allowed before. */
  async isGiven(accountId: string, client: Client, request: AuthorizationRequest): Promise<boolean> {
    if (client.metadata.skip_consent) return true;
    const rows = await this.transactions.query(FIND, [accountId, client.clientId, request.scope, claimNames(request)]);
    return rows.length > 0;
  }

  async remember(accountId: string, request: AuthorizationRequest): Promise<void> {
    await this.transactions.query(REMEMBER, [
      accountId,
      request.clientId,
      request.scope,
      claimNames(request),
      this.clock.now(),
    ]);
  }

  /** Newest first. */
  async list(accountId: string): Promise<Consent[]> {
    const rows = await this.transactions.query<{
      client_id: string;
      scope: string[];
      claims: string[];
      granted_at: Date;
    }>(LIST, [accountId]);
    return rows.map((row) => ({
      clientId: row.client_id,
      scope: row.scope,
      claims: row.claims,
      grantedAt: row.granted_at,
    }));
  }

  /** Whether something is allowed still; if so it is not taken back before `tx` ends. What makes a grant asks this. */
  async hold(tx: Tx, accountId: string, clientId: string): Promise<boolean> {
    return (await tx.query(HOLD, [accountId, clientId])).length === 1;
  }

  /** Part of a withdrawal, which also ends the grants. False: nothing had been allowed. */
  async forget(tx: Tx, accountId: string, clientId: string): Promise<boolean> {
    return (await tx.query(FORGET, [accountId, clientId])).length === 1;
  }
}

function claimNames(request: AuthorizationRequest): string[] {
  return [...new Set([...Object.keys(request.claims?.userinfo ?? {}), ...Object.keys(request.claims?.id_token ?? {})])];
}
