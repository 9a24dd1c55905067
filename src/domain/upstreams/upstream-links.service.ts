import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { AuditDetails } from '../../platform/audit/audit-event.js';
import { AuditLog } from '../../platform/audit/audit-log.js';
import type { Tx } from '../../platform/database/transaction.js';
import { KeptSecrets, keptSecret } from '../../platform/keys/kept-secrets.js';
import { Sealer } from '../../platform/keys/sealer.js';
import type { SessionKey } from '../sessions/session.js';
import { SessionsService } from '../sessions/sessions.service.js';
import type { UpstreamPerson } from './upstream-person.js';
import type { Upstream } from './upstream.js';

const UPSTREAM_ID_TOKEN = 'upstream-id-token';

const ID_TOKENS = keptSecret({
  name: 'session_upstreams',
  table: 'session_upstreams',
  key: ['account_id', 'session_id', 'issuer'],
  column: 'id_token',
  purpose: UPSTREAM_ID_TOKEN,
});

/** By which upstream the person of a session signed in last. */
export interface LinkOfSession {
  readonly upstreamId: string;
  readonly issuer: string;
  /** Undefined when it cannot be opened any more. */
  readonly idToken: string | undefined;
}

/** Sessions and the upstreams that vouched for them. The ID token that signs the person out there is kept sealed. */
@Injectable()
export class UpstreamLinks implements OnModuleInit {
  constructor(
    private readonly sessions: SessionsService,
    private readonly sealer: Sealer,
    private readonly audit: AuditLog,
    private readonly kept: KeptSecrets,
  ) {}

  onModuleInit(): void {
    this.kept.register(ID_TOKENS);
  }

  /** With the audit event of the sign-in, as a part of `tx`. @param who its details beside upstream and session */
  async remember(
    tx: Tx,
    upstream: Upstream,
    person: UpstreamPerson,
    session: SessionKey,
    who: AuditDetails,
  ): Promise<void> {
    await this.sessions.rememberUpstream(tx, session, {
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
        details: { upstream: upstream.name, session_id: session.sessionId, ...who },
      },
      tx,
    );
  }

  /** Also of a session that has ended. Undefined: the person never came by an upstream. */
  async find(session: SessionKey): Promise<LinkOfSession | undefined> {
    const link = await this.sessions.findUpstream(session);
    if (link === undefined) return undefined;
    const { upstreamId, issuer, idToken: sealed } = link;
    return {
      upstreamId,
      issuer,
      idToken: this.sealer.openKept<{ idToken: string }>(UPSTREAM_ID_TOKEN, sealed)?.idToken,
    };
  }
}
