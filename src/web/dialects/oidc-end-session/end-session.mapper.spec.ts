import type { Client } from '../../../domain/clients/client.js';
import { sha256 } from '../../../platform/oidc/secret.js';
import type { SignedInSession } from '../../../domain/sessions/session.js';
import type { TokenHint } from '../../../domain/tokens/hint-verifier.js';
import type { EndSessionRequestDto } from './dto/end-session.dto.js';
import {
  hintOf,
  mergeParameters,
  toEndSessionRequest,
  toLogoutCommand,
  toShownDialog,
  type VerifiedHints,
} from './end-session.mapper.js';

const URI = 'https://ledger.example.com/signed-out';
const MIA: TokenHint = { clientId: 'ledger', sub: 'mia', sid: 'sid-1', expired: false };
const NOOR: TokenHint = { ...MIA, sub: 'noor' };
const MIA_ELSEWHERE: TokenHint = { ...MIA, clientId: 'wiki' };
const LEDGER = { clientId: 'ledger', metadata: { post_logout_redirect_uris: [URI] } } as unknown as Client;
const SESSION = { id: 'session-1', accountId: 'mia' } as SignedInSession;

describe('whom the hints name together (wire/oidc-end-session#either-hint)', () => {
  it.each<[string, EndSessionRequestDto, VerifiedHints, ReturnType<typeof hintOf>]>([
    ['an ID token', { id_token_hint: 'x' }, { idToken: MIA, accessToken: undefined }, MIA],
    ['an access token', { access_token_hint: 'x' }, { idToken: undefined, accessToken: MIA }, MIA],
    ['both, which agree', { id_token_hint: 'x', access_token_hint: 'y' }, { idToken: MIA, accessToken: MIA }, MIA],
    [
      'two people',
      { id_token_hint: 'x', access_token_hint: 'y' },
      { idToken: MIA, accessToken: NOOR },
      'hint_mismatch',
    ],
    [
      'two clients',
      { id_token_hint: 'x', access_token_hint: 'y' },
      { idToken: MIA, accessToken: MIA_ELSEWHERE },
      'hint_mismatch',
    ],
    ['a bad ID token', { id_token_hint: 'x' }, { idToken: 'invalid', accessToken: undefined }, 'unknown_request'],
    [
      'a bad ID token beside a good access token',
      { id_token_hint: 'x' },
      { idToken: 'invalid', accessToken: MIA },
      'unknown_request',
    ],
    [
      'a good ID token beside a dead access token',
      { id_token_hint: 'x', access_token_hint: 'y' },
      { idToken: MIA, accessToken: undefined },
      MIA,
    ],
    [
      'a dead access token',
      { access_token_hint: 'y' },
      { idToken: undefined, accessToken: undefined },
      'unknown_request',
    ],
    ['the right client_id', { id_token_hint: 'x', client_id: 'ledger' }, { idToken: MIA, accessToken: undefined }, MIA],
    [
      'a wrong client_id',
      { id_token_hint: 'x', client_id: 'wiki' },
      { idToken: MIA, accessToken: undefined },
      'hint_mismatch',
    ],
    [
      'a URI and nobody',
      { post_logout_redirect_uri: URI },
      { idToken: undefined, accessToken: undefined },
      'unknown_request',
    ],
    [
      'a client_id and a URI, no hint',
      { client_id: 'ledger', post_logout_redirect_uri: URI },
      { idToken: undefined, accessToken: undefined },
      'unknown_request',
    ],
    ['nothing', {}, { idToken: undefined, accessToken: undefined }, undefined],
    ['a state alone', { state: 's' }, { idToken: undefined, accessToken: undefined }, undefined],
  ])('%s', (_name, request, hints, expected) => {
    expect(hintOf(request, hints)).toEqual(expected);
  });
});

describe('what is left of a request after it was checked (RP-Initiated Logout 1.0 §4)', () => {
  const request: EndSessionRequestDto = { id_token_hint: 'x', post_logout_redirect_uri: URI, state: 's' };

  it('all of a good one', () => {
    expect(toEndSessionRequest(request, MIA, LEDGER, SESSION)).toEqual({
      clientId: 'ledger',
      hint: MIA,
      redirectUri: URI,
      state: 's',
      notice: undefined,
    });
  });

  it.each([
    ['a mismatch', 'hint_mismatch', LEDGER, 'hint_mismatch'],
    ['no verified hint', 'unknown_request', LEDGER, 'unknown_request'],
    ['a client that is gone', MIA, undefined, 'unknown_request'],
    ['nobody named', undefined, undefined, undefined],
  ] as const)('nothing but the notice, for %s', (_name, hint, client, notice) => {
    const empty = { clientId: undefined, hint: undefined, redirectUri: undefined, state: undefined };
    expect(toEndSessionRequest(request, hint, client, SESSION)).toEqual({ ...empty, notice });
  });

  it('a link and no redirect, for a client that client_id alone names', () => {
    for (const hint of [undefined, 'unknown_request'] as const) {
      const checked = toEndSessionRequest({ ...request, client_id: 'ledger' }, hint, LEDGER, SESSION);
      expect(checked).toMatchObject({ clientId: undefined, redirectUri: undefined, state: undefined });
      expect(checked.link).toEqual({ clientName: 'ledger', redirectUri: URI, state: 's' });
    }
    const mismatch = toEndSessionRequest({ ...request, client_id: 'ledger' }, 'hint_mismatch', LEDGER, SESSION);
    expect(mismatch.link).toBeUndefined();
  });

  it('neither redirect nor state, for a URI that is not registered to the letter', () => {
    const checked = toEndSessionRequest({ ...request, post_logout_redirect_uri: `${URI}/` }, MIA, LEDGER, SESSION);
    expect(checked).toMatchObject({
      clientId: 'ledger',
      redirectUri: undefined,
      state: undefined,
      notice: 'unregistered_address',
    });
  });

  it("the redirect, and a word about it, for a hint of somebody else's", () => {
    expect(toEndSessionRequest(request, NOOR, LEDGER, SESSION)).toMatchObject({
      redirectUri: URI,
      notice: 'other_account',
    });
  });

  it('no word about accounts when nobody is signed in', () => {
    expect(toEndSessionRequest(request, NOOR, LEDGER, undefined)).toMatchObject({
      redirectUri: URI,
      notice: undefined,
    });
  });
});

describe('from request to command', () => {
  it('seals into the dialog only what was checked', () => {
    const checked = toEndSessionRequest(
      { id_token_hint: 'x', post_logout_redirect_uri: 'https://evil.example.com/', state: 's' },
      MIA,
      LEDGER,
      SESSION,
    );
    expect(toShownDialog(checked, SESSION)).toEqual({ sessionId: 'session-1', accountId: 'mia', clientId: 'ledger' });
  });

  it('targets the cookie’s session, and only if it is the one that the dialog was shown for', () => {
    expect(toLogoutCommand('cookie', { sessionId: 'session-1', accountId: 'mia', clientId: 'ledger' })).toEqual({
      target: { kind: 'cookie', accountId: 'mia', cookieHash: sha256('cookie'), sessionId: 'session-1' },
      cause: 'end_session',
      initiator: { kind: 'user', accountId: 'mia', clientId: 'ledger' },
    });
  });

  it('lets a form’s fields go before the query’s, and does not take a field that was not sent for an empty one', () => {
    const form: EndSessionRequestDto = Object.assign(Object.create(null), { state: 'form', id_token_hint: undefined });
    expect(mergeParameters({ state: 'query', id_token_hint: 'x' }, form)).toEqual({
      state: 'form',
      id_token_hint: 'x',
    });
  });
});
