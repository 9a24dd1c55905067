import {
  InvalidLogoutTokenError,
  ReplayedLogoutTokenError,
  UpstreamUnavailableError,
} from '../../../domain/upstreams/upstream-errors.js';
import type { VerifiedLogoutToken } from '../../../domain/upstreams/upstream-logout-tokens.service.js';
import { resultOf, toLogoutCommand } from './back-channel-receiver.mapper.js';

function order(claims: { readonly sub?: string; readonly sid?: string }): VerifiedLogoutToken {
  return {
    upstream: { peerClientId: 'their-portal' } as VerifiedLogoutToken['upstream'],
    issuer: 'https://login.example.org/tenant',
    jti: 'j',
    sub: claims.sub,
    sid: claims.sid,
    issuedAt: 1,
  };
}

describe('what a logout token orders (Back-Channel Logout 1.0 §2.7)', () => {
  it('is one session when it has a sid', () => {
    expect(toLogoutCommand(order({ sid: 's' })).target).toEqual({
      kind: 'upstream-session',
      issuer: 'https://login.example.org/tenant',
      sid: 's',
      sub: undefined,
    });
  });

  it('is that session of that person when it has both', () => {
    expect(toLogoutCommand(order({ sid: 's', sub: 'p' })).target).toMatchObject({ kind: 'upstream-session', sub: 'p' });
  });

  it('is every session of the person when it has no sid', () => {
    expect(toLogoutCommand(order({ sub: 'p' })).target).toEqual({
      kind: 'upstream-subject',
      issuer: 'https://login.example.org/tenant',
      sub: 'p',
    });
  });

  it('is never sent back to its sender, which is a client by registration and not by its address', () => {
    expect(toLogoutCommand(order({ sub: 'p' }))).toMatchObject({
      cause: 'upstream_logout',
      initiator: { kind: 'upstream', issuer: 'https://login.example.org/tenant' },
      senderClientId: 'their-portal',
    });
  });
});

describe('what an operator is told of a token that was not obeyed (threat-model#identifier-burnt-before-the-work)', () => {
  it.each([
    [new InvalidLogoutTokenError('x'), 'forged'],
    [new ReplayedLogoutTokenError('x'), 'replayed'],
    [new UpstreamUnavailableError('x'), 'not_performed'],
    [new Error('connection terminated'), 'not_performed'],
  ] as const)('tells %s as %s', (error, result) => {
    expect(resultOf(error)).toBe(result);
  });
});
