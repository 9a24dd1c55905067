import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { TestApp, type TestClient } from '../support/app.js';
import { MINUTE } from '../support/clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { signOut } from '../rp-initiated-logout/end-session.js';
import { clientOf, someoneAt } from './scene.js';

describe('the logout token (Back-Channel Logout 1.0 §2.4, §2.5)', () => {
  let app: TestApp;
  let party: StubRelyingParty;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
  });
  afterAll(() => Promise.all([app.stop(), party.stop()]));

  const receivedBy = (client: TestClient) => party.received.filter(({ claims }) => claims.aud === client.clientId);

  it('holds exactly what the specification asks for, and no nonce even if the ID token had one', async () => {
    const client = await clientOf(app, party);
    const { browser, accountId, tokens } = await someoneAt(app, [client], { nonce: 'a-nonce' });
    const idToken = decodeJwt(tokens[0]!.id_token);
    expect(idToken.nonce).toBe('a-nonce');
    await signOut(browser);

    const [received, ...more] = receivedBy(client);
    expect(more).toEqual([]);
    const now = app.clock.now().getTime() / 1000;
    expect(received!.claims).toEqual({
      iss: app.issuer,
      aud: client.clientId,
      sub: accountId,
      sid: idToken.sid,
      iat: now,
      exp: now + 120,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    });
    expect(received!.header).toEqual({
      typ: 'logout+jwt',
      alg: 'RS256',
      kid: decodeProtectedHeader(tokens[0]!.id_token).kid,
    });
  });

  it('comes in a form with nothing else in it', async () => {
    const client = await clientOf(app, party);
    const { browser } = await someoneAt(app, [client]);
    await signOut(browser);
    const [received] = receivedBy(client);
    expect(received!.contentType).toBe('application/x-www-form-urlencoded');
    expect(Object.keys(received!.fields)).toEqual(['logout_token']);
  });

  it.each([false, true])(
    'names the session whether or not the client requires it (backchannel_logout_session_required %s)',
    async (required) => {
      const client = await clientOf(app, party, { backchannel_logout_session_required: required });
      const { browser, tokens } = await someoneAt(app, [client]);
      await signOut(browser);
      expect(receivedBy(client)[0]!.claims.sid).toBe(decodeJwt(tokens[0]!.id_token).sid);
    },
  );

  it("is signed by each client's own algorithm in one logout of all of them (threat-model#another-clients-key)", async () => {
    const algorithms = ['RS256', 'ES256', 'EdDSA'] as const;
    const clients = await Promise.all(
      algorithms.map((alg) => clientOf(app, party, { id_token_signed_response_alg: alg })),
    );
    const { browser, tokens } = await someoneAt(app, clients);
    await signOut(browser);
    const keys = createRemoteJWKSet(new URL(`${app.issuer}/jwks`));
    for (const [i, client] of clients.entries()) {
      const [received] = receivedBy(client);
      expect(received!.header.alg).toBe(algorithms[i]);
      expect(received!.header.kid).toBe(decodeProtectedHeader(tokens[i]!.id_token).kid);
      await jwtVerify(received!.token, keys, {
        issuer: app.issuer,
        audience: client.clientId,
        typ: 'logout+jwt',
        algorithms: [algorithms[i]!],
        currentDate: app.clock.now(),
      });
    }
  });

  it('gives every client a sid of its own, so that two of them cannot compare notes', async () => {
    const clients = await Promise.all([clientOf(app, party), clientOf(app, party)]);
    const { browser } = await someoneAt(app, clients);
    await signOut(browser);
    const sids = clients.map((client) => receivedBy(client)[0]!.claims.sid);
    expect(new Set(sids).size).toBe(2);
  });

  it('is fresh at each attempt: new jti, new times, same person and session', async () => {
    const client = await clientOf(app, party);
    const { browser } = await someoneAt(app, [client]);
    party.answerNext(500);
    await signOut(browser);
    app.clock.advance(5 * MINUTE);
    await app.sendDue();
    const [first, second, ...more] = receivedBy(client);
    expect(more).toEqual([]);
    expect(second!.claims.jti).not.toBe(first!.claims.jti);
    expect(second!.claims.iat).toBe(first!.claims.iat! + 300);
    expect(second!.claims.exp! - second!.claims.iat!).toBe(120);
    expect([second!.claims.sub, second!.claims.sid]).toEqual([first!.claims.sub, first!.claims.sid]);
  });

  it('is not in the log, and neither is the address it went to', async () => {
    const client = await clientOf(app, party);
    const { browser } = await someoneAt(app, [client]);
    party.answerNext(500);
    await signOut(browser);
    const log = app.logger.lines.join('\n');
    expect(log).not.toContain(receivedBy(client)[0]!.token);
    expect(log).not.toContain(party.backchannelLogoutUri);
  });
});
