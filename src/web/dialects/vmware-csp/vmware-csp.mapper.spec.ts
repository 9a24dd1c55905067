import type { Client } from '../../../domain/clients/client.js';
import { sha256 } from '../../../platform/oidc/secret.js';
import type { TokenHint } from '../../../domain/tokens/hint-verifier.js';
import type { Organization } from '../../../domain/upstreams/organizations.service.js';
import type { Upstream } from '../../../domain/upstreams/upstream.js';
import { CSP_ERRORS, CspError, MODULE_CODE, type CspErrorCode } from './csp-error.js';
import {
  checkFederated,
  checkSamePerson,
  idTokenHint,
  registeredRedirectUri,
  requestedOrgId,
  toCspLogoutRequest,
  toLogoutCommand,
  type CookieSession,
  type CspLogoutRequest,
  type VerifiedIdToken,
} from './vmware-csp.mapper.js';

const URI = 'https://ledger.example.com/signed-out';
const HINT: TokenHint = { clientId: 'ledger', sub: 'mia', sid: 'sid-1', expired: false };
const LEDGER = { clientId: 'ledger', metadata: { post_logout_redirect_uris: [URI] } } as unknown as Client;
const CORPORATE = { name: 'corporate', postLogoutRedirectUri: 'https://id.example.com/back' } as Upstream;
const OTHER = { name: 'other', postLogoutRedirectUri: undefined } as Upstream;

const OWN: VerifiedIdToken = { issuer: 'own', token: 'own-token', hint: HINT, client: LEDGER };
const FOREIGN: VerifiedIdToken = { issuer: 'upstream', token: 'their-token', upstream: CORPORATE, sub: 'm.e' };
const LOCAL: CookieSession = { id: 'session-1', accountId: 'mia', cookie: 'a-cookie', upstream: undefined };
const FEDERATED: CookieSession = { ...LOCAL, upstream: { name: 'corporate', idToken: 'kept-token', sub: 'm.e' } };

function request(parts: Partial<CspLogoutRequest> = {}): CspLogoutRequest {
  return {
    idToken: undefined,
    orgId: undefined,
    orgIdOfLink: undefined,
    postLogoutRedirectUri: undefined,
    state: undefined,
    ...parts,
  };
}

function organization(upstream: string | undefined): Organization {
  return { id: 'acme', name: 'Acme', upstream, isDefault: false };
}

describe('the organization (wire/vmware-csp#organization)', () => {
  it.each([
    ['as documented', '/csp/am/api/orgs/5f1c-0a3e'],
    ['with the gateway', '/csp/gateway/am/api/orgs/5f1c-0a3e'],
  ])('is read from orgLink %s', (_name, orgLink) => {
    expect(toCspLogoutRequest({ orgLink }, {}).orgIdOfLink).toBe('5f1c-0a3e');
  });

  it.each([
    '/csp/am/api/orgs/',
    '/csp/am/api/orgs/a/b',
    '/csp/am/api/orgs/a?x=1',
    '/csp/am/api/orgs/a#x',
    '/csp/am/api/orgs/%2e',
    '/csp/am/api/orgs/a b',
    '/csp/am/api/orgs/a\n',
    '/am/api/orgs/a',
    'csp/am/api/orgs/a',
    ' /csp/am/api/orgs/a',
    'https://evil.example.com/csp/am/api/orgs/a',
    'a',
  ])('is not read from orgLink %j', (orgLink) => {
    expect(() => toCspLogoutRequest({ orgLink }, {})).toThrow(new CspError('ORG_LINK_INVALID'));
  });

  it.each([
    ['orgId', { orgId: 'a' }, 'a'],
    ['orgLink', { orgIdOfLink: 'b' }, 'b'],
    ['both, when they agree', { orgId: 'a', orgIdOfLink: 'a' }, 'a'],
    ['neither', {}, undefined],
  ])('comes from %s', (_name, parts, orgId) => {
    expect(requestedOrgId(request(parts))).toBe(orgId);
  });

  it('is not guessed when orgId and orgLink differ', () => {
    expect(() => requestedOrgId(request({ orgId: 'a', orgIdOfLink: 'A' }))).toThrow(new CspError('ORG_MISMATCH'));
  });

  it.each([
    ['our ID token at any', OWN, 'other'],
    ['no ID token at any', undefined, 'corporate'],
    ["another provider's ID token at its own", FOREIGN, 'corporate'],
  ])('takes %s', (_name, idToken, upstream) => {
    expect(() => checkFederated(organization(upstream), idToken)).not.toThrow();
  });

  it.each([
    ['of another provider', 'other'],
    ['of ours', undefined],
  ])("refuses another provider's ID token at one %s", (_name, upstream) => {
    expect(() => checkFederated(organization(upstream), FOREIGN)).toThrow(new CspError('ORG_NOT_FEDERATED'));
  });
});

describe('ID token and cookie (wire/vmware-csp#who-is-meant)', () => {
  const NOOR: CookieSession = { ...FEDERATED, accountId: 'noor' };

  it.each<[string, VerifiedIdToken | undefined, CookieSession | undefined]>([
    ['nobody', undefined, undefined],
    ['an ID token alone', OWN, undefined],
    ['a cookie alone', undefined, LOCAL],
    ['both of one person', OWN, LOCAL],
    ["another provider's ID token of the person who came from there", FOREIGN, FEDERATED],
    ["another provider's ID token, and a session that did not begin there", FOREIGN, LOCAL],
    ['two people of two providers, who cannot be compared', { ...FOREIGN, upstream: OTHER, sub: 'noor' }, FEDERATED],
  ])('may be: %s', (_name, idToken, session) => {
    expect(() => checkSamePerson({ idToken, session })).not.toThrow();
  });

  it.each<[string, VerifiedIdToken, CookieSession]>([
    ['ours', OWN, NOOR],
    ["another provider's", { ...FOREIGN, sub: 'noor' }, FEDERATED],
  ])('may not be of two people: %s', (_name, idToken, session) => {
    expect(() => checkSamePerson({ idToken, session })).toThrow(new CspError('USER_MISMATCH'));
  });
});

describe('post_logout_redirect_uri (wire/vmware-csp#redirect-uri)', () => {
  it.each([
    ['none', undefined, undefined],
    ["one of the client's", URI, OWN],
    ['ours, at the provider whose ID token it is', 'https://id.example.com/back', FOREIGN],
  ])('is kept: %s', (_name, postLogoutRedirectUri, idToken) => {
    expect(registeredRedirectUri(request({ postLogoutRedirectUri }), idToken)).toBe(postLogoutRedirectUri);
  });

  it('may name any port of a loopback address of an app on that computer, and of no other client', () => {
    const uri = 'http://127.0.0.1:49160/bye';
    const ofClient = (application_type: string): VerifiedIdToken => ({
      ...OWN,
      client: {
        metadata: { application_type, post_logout_redirect_uris: ['http://127.0.0.1/bye'] },
      } as unknown as Client,
    });
    const asked = request({ postLogoutRedirectUri: uri });
    expect(registeredRedirectUri(asked, ofClient('native'))).toBe(uri);
    expect(() => registeredRedirectUri(asked, ofClient('web'))).toThrow(new CspError('REDIRECT_URI_NOT_REGISTERED'));
  });

  it.each<[string, string, VerifiedIdToken | undefined]>([
    ['without an ID token', URI, undefined],
    ['with a slash more', `${URI}/`, OWN],
    ['with a query more', `${URI}?a=1`, OWN],
    ['relative', '/signed-out', OWN],
    ['of another client', 'https://evil.example.com/', OWN],
    ["of a client of ours, with another provider's ID token", URI, FOREIGN],
    ['of nobody', URI, { ...FOREIGN, upstream: OTHER }],
  ])('is refused %s', (_name, postLogoutRedirectUri, idToken) => {
    expect(() => registeredRedirectUri(request({ postLogoutRedirectUri }), idToken)).toThrow(
      new CspError('REDIRECT_URI_NOT_REGISTERED'),
    );
  });
});

describe('id_token_hint (wire/vmware-csp#the-url)', () => {
  it.each<[string, Upstream | undefined, VerifiedIdToken | undefined, CookieSession | undefined, string | undefined]>([
    ['ourselves get our own', undefined, OWN, FEDERATED, 'own-token'],
    ['ourselves get none without one of ours', undefined, undefined, FEDERATED, undefined],
    ['another provider gets its own', CORPORATE, FOREIGN, undefined, 'their-token'],
    ['its own goes before the one that was kept', CORPORATE, FOREIGN, FEDERATED, 'their-token'],
    ['with the cookie, another provider gets the one that was kept', CORPORATE, OWN, FEDERATED, 'kept-token'],
    ['with the cookie alone too', CORPORATE, undefined, FEDERATED, 'kept-token'],
    [
      'another provider gets none of ours, and none that was kept, for an ID token alone',
      CORPORATE,
      OWN,
      undefined,
      undefined,
    ],
    ['another provider gets none of a third', OTHER, undefined, FEDERATED, undefined],
    ['another provider gets none from nobody', CORPORATE, undefined, undefined, undefined],
  ])('%s', (_name, provider, idToken, session, hint) => {
    expect(idTokenHint(provider, { idToken, session })).toBe(hint);
  });
});

describe('what ends (wire/vmware-csp#what-ends)', () => {
  it('the session of the cookie, in the name of its person', () => {
    expect(toLogoutCommand({ idToken: undefined, session: LOCAL })).toEqual({
      target: { kind: 'cookie', accountId: 'mia', cookieHash: sha256('a-cookie'), sessionId: 'session-1' },
      cause: 'csp_logout',
      initiator: { kind: 'user', accountId: 'mia' },
    });
  });

  it('with the client that the ID token names', () => {
    expect(toLogoutCommand({ idToken: OWN, session: LOCAL })).toMatchObject({
      target: { kind: 'cookie' },
      initiator: { kind: 'user', accountId: 'mia', clientId: 'ledger' },
    });
  });

  it('without a cookie, the session that the ID token names', () => {
    expect(toLogoutCommand({ idToken: OWN, session: undefined })).toEqual({
      target: { kind: 'client-session', accountId: HINT.sub, clientId: 'ledger', sid: 'sid-1' },
      cause: 'csp_logout',
      initiator: { kind: 'client', clientId: 'ledger' },
    });
  });

  it.each<[string, VerifiedIdToken | undefined]>([
    ['nobody', undefined],
    ['an ID token that has expired (threat-model#leaked-hint)', { ...OWN, hint: { ...HINT, expired: true } }],
    ['an ID token without a session', { ...OWN, hint: { ...HINT, sid: undefined } }],
    ["another provider's ID token", FOREIGN],
  ])('nothing, for %s', (_name, idToken) => {
    expect(toLogoutCommand({ idToken, session: undefined })).toBeUndefined();
  });
});

describe('the errors (wire/vmware-csp#errors)', () => {
  it('have a number each, which begins with the module code and names the status', () => {
    const kinds = Object.values(CSP_ERRORS);
    for (const { status: number, cspErrorCode } of kinds)
      expect(cspErrorCode).toMatch(new RegExp(`^${MODULE_CODE}\\.${number}-\\d{3}\\.\\d{3}$`));
    expect(new Set(kinds.map(({ cspErrorCode }) => cspErrorCode)).size).toBe(kinds.length);
  });

  it.each(Object.keys(CSP_ERRORS) as CspErrorCode[])('%s says what the table says', (code) => {
    expect(new CspError(code)).toMatchObject({ ...status(code), code });
  });

  function status(code: CspErrorCode): { readonly status: number; readonly description: string } {
    return { status: CSP_ERRORS[code].status, description: CSP_ERRORS[code].message };
  }
});
