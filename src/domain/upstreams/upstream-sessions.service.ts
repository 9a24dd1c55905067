import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { AuditDetails } from '../../platform/audit/audit-event.js';
import { AuditLog } from '../../platform/audit/audit-log.js';
import { Clock } from '../../platform/clock/clock.js';
import { isRefusedValue } from '../../platform/database/storage-errors.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { KeptSecrets, keptSecret } from '../../platform/keys/kept-secrets.js';
import { Sealer } from '../../platform/keys/sealer.js';
import type { Browser } from '../sessions/session.js';
import { SessionsService, type StartedSession } from '../sessions/sessions.service.js';
import { FEDERATED_AMR } from '../../platform/oidc/authentication-context.js';
import { ConflictError } from '../../platform/oidc/errors.js';
import { UpstreamIdentities } from './upstream-identities.service.js';
import { UpstreamLogoutTokens } from './upstream-logout-tokens.service.js';
import type { UpstreamPerson } from './upstream-client.js';
import { UpstreamSignInError } from './upstream-errors.js';
import type { Upstream } from './upstream.js';

export const UPSTREAM_ID_TOKEN = 'upstream-id-token';

/** What came of a sign-in that an upstream vouched for. */
export type UpstreamSignIn =
  | {
      readonly kind: 'signed_in';
      readonly accountId: string;
      readonly amr: readonly string[];
      /** `auth_time` */
      readonly authenticatedAt: Date;
      readonly started: StartedSession;
    }
  /** No account is this person's, and the upstream may not make accounts. */
  | { readonly kind: 'no_account' }
  /** Disabled, or its sessions ended by an order that is still in force. */
  | { readonly kind: 'account_unusable' }
  /** The person signed out at the upstream before we were done. */
  | { readonly kind: 'ended_meanwhile' };

const ID_TOKENS = keptSecret({
  name: 'session_upstreams',
  table: 'session_upstreams',
  key: ['session_id', 'issuer'],
  column: 'id_token',
  purpose: UPSTREAM_ID_TOKEN,
});

/** From an upstream's word to a session here, which remembers whose word it was. */
@Injectable()
export class UpstreamSessions implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly identities: UpstreamIdentities,
    private readonly logoutTokens: UpstreamLogoutTokens,
    private readonly sessions: SessionsService,
    private readonly sealer: Sealer,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
    private readonly kept: KeptSecrets,
  ) {}

  onModuleInit(): void {
    this.kept.register(ID_TOKENS);
  }

  /**
   * One transaction: the account, the session, what it came by. A logout token for it either finds the session or is
   * found here.
   * @param current the browser's session; the same person's continues with a new cookie
   */
  async begin(
    upstream: Upstream,
    person: UpstreamPerson,
    browser: Browser,
    current: { readonly id: string; readonly accountId: string } | undefined,
  ): Promise<UpstreamSignIn> {
    return this.storing(async (tx) => {
      if (await this.logoutTokens.endedMeanwhile(tx, person)) return { kind: 'ended_meanwhile' };
      const account = await this.identities.accountOf(tx, upstream, person);
      if (account === undefined) return { kind: 'no_account' };
      const amr = [FEDERATED_AMR, ...person.amr];
      const again =
        current?.accountId === account.id
          ? await this.sessions.reauthenticate(current.id, account, amr, browser, tx, person.authTime)
          : undefined;
      const started = again ?? (await this.sessions.begin(account, amr, browser, tx, person.authTime));
      if (started === undefined) return { kind: 'account_unusable' };
      const who = { account_id: account.id, address: browser.address ?? null };
      await this.remember(tx, upstream, person, started.sessionId, who);
      const authenticatedAt = person.authTime ?? this.clock.now();
      return { kind: 'signed_in', accountId: account.id, amr, authenticatedAt, started };
    });
  }

  /** What an upstream says and storage does not take is the upstream's mistake, and not our outage. */
  private async storing<Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> {
    try {
      return await this.transactions.run(work);
    } catch (error) {
      if (error instanceof ConflictError || isRefusedValue(error))
        throw new UpstreamSignInError('what it says of the person cannot be kept', { cause: error });
      throw error;
    }
  }

  private async remember(
    tx: Tx,
    upstream: Upstream,
    person: UpstreamPerson,
    sessionId: string,
    who: AuditDetails,
  ): Promise<void> {
    await this.sessions.rememberUpstream(tx, sessionId, {
      upstreamId: upstream.id,
      issuer: person.issuer,
      sub: person.sub,
      sid: person.sid,
      idToken: this.sealer.seal(UPSTREAM_ID_TOKEN, { idToken: person.idToken }),
    });
    await this.audit.record(
      {
        event: 'upstream_sign_in',
        outcome: 'done',
        details: { upstream: upstream.name, session_id: sessionId, ...who },
      },
      tx,
    );
  }
}
