import { Injectable, type OnModuleInit } from '@nestjs/common';
import { expiredRows, Retention } from '../../platform/database/retention.js';
import { statement } from '../../platform/database/statement.js';
import type { Tx } from '../../platform/database/transaction.js';

/** The person or session that a logout token or a sign-in is about, by the names of the upstream. */
export interface UpstreamSubject {
  readonly issuer: string;
  readonly sub: string | undefined;
  readonly sid: string | undefined;
  /** Seconds since 1970. A NumericDate may have a fraction (RFC 7519 §2), which is not stored. */
  readonly issuedAt: number;
}

/** Two transactions about one person or session at an upstream take turns, so that each sees what the other did. */
const LOCK = statement({
  name: 'upstream_logout_tokens_lock',
  parameters: { names: 'text[]' },
  row: { pg_advisory_xact_lock: 'void' },
  text: `
    SELECT pg_advisory_xact_lock(key)
      FROM (SELECT DISTINCT hashtextextended(name, 7355608) AS key FROM unnest(:names) name ORDER BY 1) keys`,
});

const RECORD = statement({
  name: 'upstream_logout_tokens_record',
  ends: true,
  parameters: {
    issuer: 'text',
    jtiHash: 'bytea',
    sub: 'text?',
    sid: 'text?',
    issuedAt: 'bigint',
    expiresAt: 'bigint',
  },
  row: { issuer: 'text' },
  text: `
    INSERT INTO upstream_logout_tokens (issuer, jti_hash, sub, sid, issued_at, expires_at)
    VALUES (:issuer, :jtiHash, :sub, :sid, to_timestamp(:issuedAt), to_timestamp(:expiresAt))
    ON CONFLICT DO NOTHING RETURNING issuer`,
});

const ENDED_SINCE = statement({
  name: 'upstream_logout_tokens_ended_since',
  parameters: { issuer: 'text', sub: 'text?', sid: 'text?', issuedAt: 'bigint' },
  row: { found: 'int' },
  text: `
    SELECT 1 AS found FROM upstream_logout_tokens t
     WHERE t.issuer = :issuer
       AND ((t.sid = :sid AND (t.sub IS NULL OR t.sub = :sub))
            OR ((t.sid IS NULL OR :sid IS NULL) AND t.sub = :sub AND t.issued_at >= to_timestamp(:issuedAt)))
     LIMIT 1`,
});

const EXPIRED = expiredRows({
  name: 'upstream_logout_tokens_remove_expired',
  table: 'upstream_logout_tokens',
  key: 'issuer, jti_hash',
  condition: 'expires_at < :before',
  along: 'expires_at',
});

/** The table `upstream_logout_tokens`: logout tokens that were carried out. */
@Injectable()
export class UpstreamLogoutTokenRepository implements OnModuleInit {
  constructor(private readonly retention: Retention) {}

  onModuleInit(): void {
    this.retention.register({ ...EXPIRED, keepMs: 0 });
  }

  /** Until `tx` ends no other transaction holds this person or this session of theirs. */
  async lock(tx: Tx, { issuer, sub, sid }: Omit<UpstreamSubject, 'issuedAt'>): Promise<void> {
    const names = [
      ...(sub === undefined ? [] : [`${issuer} sub ${sub}`]),
      ...(sid === undefined ? [] : [`${issuer} sid ${sid}`]),
    ];
    await tx.query(LOCK, { names });
  }

  /** False: it was recorded before. @param expiresAt seconds since 1970; it is removed after that */
  async record(tx: Tx, subject: UpstreamSubject, jtiHash: Buffer, expiresAt: number): Promise<boolean> {
    return (await tx.query(RECORD, { ...valuesOf(subject), jtiHash, expiresAt })).length > 0;
  }

  /** Whether a token ended this session, or all of the person's since the moment that `subject` was issued. */
  async endedSince(tx: Tx, subject: UpstreamSubject): Promise<boolean> {
    return (await tx.query(ENDED_SINCE, valuesOf(subject))).length > 0;
  }
}

function valuesOf({ issuer, sub, sid, issuedAt }: UpstreamSubject): UpstreamSubject {
  return { issuer, sub, sid, issuedAt: Math.floor(issuedAt) };
}
