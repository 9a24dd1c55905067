import { randomBytes } from 'node:crypto';
import { CompactEncrypt } from 'jose';
import { signOut } from '../../rp-initiated-logout/end-session.js';
import { newKey, StubUpstream } from '../../support/stub-upstream.js';
import { StubRelyingParty } from '../../support/stub-relying-party.js';
import { assembled, signedBy, signedByPublicKey } from './forgeries.js';
import { EVENT, receive, Scene, type Visitor } from './scene.js';

const ALG = 'alg is not the one that was agreed.';
const SIGNATURE = 'The signature of the logout token is not good.';
const TYP = 'typ is not that of a logout token.';
const EVENTS = 'events does not have the back-channel logout event.';
const NONCE = 'The logout token carries a nonce.';
const NO_JWT = 'logout_token is not a JWT.';
const ISSUER = 'iss is not an issuer that we take logout tokens from.';
const wrong = (claim: string): string => `${claim} of the logout token is not as it must be.`;
const text = (claim: string): string => `${claim} must be a string of at most 255 characters.`;

/** Seconds, as of the scene's clock. */
type Now = number;

describe('which logout tokens are obeyed (Back-Channel Logout 1.0 §2.4, §2.6)', () => {
  let scene: Scene;
  let other: StubUpstream;
  let victim: Visitor;

  beforeAll(async () => {
    scene = await Scene.start();
    other = await StubUpstream.start(scene.app.clock);
    await other.register(scene.app);
    victim = await scene.visitor();
    // So that both are known by their keys.
    await scene.visitor({ by: { upstream: other, name: await nameOf(other) } });
  });
  afterAll(() => Promise.all([scene.stop(), other.stop()]));

  async function nameOf({ issuer }: StubUpstream): Promise<string> {
    const [row] = await scene.app.db.query<{ name: string }>('SELECT name FROM upstreams WHERE issuer = $1', [issuer]);
    return row?.name ?? '';
  }

  function whom(): { readonly sub: string; readonly sid: string | undefined } {
    const { sub, sid } = victim.subject;
    return { sub, sid };
  }

  /** A good token's header and claims, for signing by hand. */
  function parts(): { readonly header: Record<string, unknown>; readonly claims: Record<string, unknown> } {
    const now = scene.app.clock.seconds();
    const { issuer: iss, clientId: aud, key } = scene.upstream;
    return {
      header: { alg: 'RS256', typ: 'logout+jwt', kid: key.kid },
      claims: { iss, aud, iat: now, exp: now + 120, jti: 'by-hand', events: { [EVENT]: {} }, ...whom() },
    };
  }

  async function expectRefused(token: string, reason: string): Promise<void> {
    await scene.expectRefused(() => receive(scene.app, token), reason);
    expect(await scene.isSignedIn(victim)).toBe(true);
  }

  describe('signature and algorithm (§2.6 steps 1 to 3; threat-model#unsigned-tokens)', () => {
    it.each(['none', 'None', 'nOnE', '', 'HS256', 'RS1'])('refuses alg %j without a signature', async (alg) => {
      const { header, claims } = parts();
      await expectRefused(assembled({ ...header, alg }, claims), ALG);
    });

    it('refuses a token without alg', async () => {
      const { header, claims } = parts();
      await expectRefused(assembled({ ...header, alg: undefined }, claims, 'c2ln'), ALG);
    });

    it('refuses an empty signature', async () => {
      const { header, claims } = parts();
      await expectRefused(assembled(header, claims), SIGNATURE);
    });

    it.each(['HS256', 'RS256'])('refuses the public key as an HMAC secret, under alg %s', async (alg) => {
      const { header, claims } = parts();
      for (const token of signedByPublicKey({ ...header, alg }, claims, scene.upstream.key))
        await expectRefused(token, alg === 'HS256' ? ALG : SIGNATURE);
    });

    it('refuses another algorithm than the agreed one, though the right key signed', async () => {
      const { header, claims } = parts();
      await expectRefused(await signedBy(scene.upstream.key, { ...header, alg: 'PS256' }, claims), ALG);
    });

    it('refuses the default algorithm where another was agreed', async () => {
      await scene.change({ id_token_signed_response_alg: 'ES256' });
      try {
        await expectRefused(await scene.upstream.logoutToken(whom()), ALG);
      } finally {
        await scene.change({ id_token_signed_response_alg: 'RS256' });
      }
    });

    it('refuses a key that the upstream does not publish', async () => {
      const key = await newKey('RS256');
      await expectRefused(await scene.upstream.logoutToken(whom(), { kid: key.kid }, key), SIGNATURE);
    });

    it('refuses a key that the token itself brings along', async () => {
      const key = await newKey('RS256');
      const header = { kid: undefined, jwk: key.publicJwk, jku: `${other.origin}/jwks` };
      await expectRefused(await scene.upstream.logoutToken(whom(), header, key), SIGNATURE);
      expect(other.requestsTo('/jwks')).toBe(1);
    });

    it.each([
      ['under its own kid', () => other.key.kid],
      ['under the right kid', () => scene.upstream.key.kid],
      ['without kid', () => undefined],
    ])("refuses another upstream's key %s", async (_how, kid) => {
      await expectRefused(await scene.upstream.logoutToken(whom(), { kid: kid() }, other.key), SIGNATURE);
    });

    it("refuses another upstream's issuer with this one's key", async () => {
      await expectRefused(await scene.upstream.logoutToken({ ...whom(), iss: other.issuer }), SIGNATURE);
    });

    it('refuses claims that were changed after signing', async () => {
      const [, , signature] = (await scene.upstream.logoutToken({ sub: 'somebody-else' })).split('.');
      await expectRefused(assembled(parts().header, parts().claims, signature), SIGNATURE);
    });

    it('refuses extensions that it does not know (RFC 7515 §4.1.11)', async () => {
      const { header, claims } = parts();
      const token = await signedBy(scene.upstream.key, { ...header, crit: ['urn:x'], 'urn:x': true }, claims);
      await expectRefused(token, SIGNATURE);
    });

    it('refuses a payload that is not encoded (RFC 7797)', async () => {
      const { header, claims } = parts();
      await expectRefused(
        await signedBy(scene.upstream.key, { ...header, crit: ['b64'], b64: false }, claims),
        SIGNATURE,
      );
    });

    it('refuses an encrypted token, since no encryption was agreed', async () => {
      const plain = Buffer.from(await scene.upstream.logoutToken(whom()));
      const encrypted = await new CompactEncrypt(plain)
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', cty: 'JWT' })
        .encrypt(randomBytes(32));
      await expectRefused(encrypted, 'Encrypted logout tokens are not taken.');
    });
  });

  describe('typ (§2.4, §4.1; threat-model#token-confusion)', () => {
    it.each([
      ['at+jwt'],
      ['id_token+jwt'],
      ['secevent+jwt'],
      ['client-authentication+jwt'],
      ['odd'],
      [''],
      [1],
      [null],
    ])('refuses %j', async (typ) => {
      const { header, claims } = parts();
      await expectRefused(await signedBy(scene.upstream.key, { ...header, typ }, claims), TYP);
    });

    it.each([[undefined], ['JWT'], ['jwt'], ['logout+jwt'], ['LOGOUT+JWT'], ['application/logout+jwt']])(
      'obeys %j',
      async (typ) => {
        const visitor = await scene.visitor();
        const { sub, sid } = visitor.subject;
        await scene.expectDone(await receive(scene.app, await scene.upstream.logoutToken({ sub, sid }, { typ })), 1);
        expect(await scene.isSignedIn(visitor)).toBe(false);
      },
    );
  });

  describe('claims', () => {
    const cases: readonly (readonly [string, (now: Now) => Record<string, unknown>, string])[] = [
      ['an issuer that nobody registered', () => ({ iss: 'https://another.example.org' }), ISSUER],
      ['an issuer with a slash more', () => ({ iss: `${scene.upstream.issuer}/` }), ISSUER],
      ['several issuers', () => ({ iss: [scene.upstream.issuer] }), ISSUER],
      ['no issuer', () => ({ iss: undefined }), ISSUER],
      ['the audience of another application', () => ({ aud: 'another' }), 'aud does not name us.'],
      ['no audience', () => ({ aud: undefined }), 'aud does not name us.'],
      ['an empty list of audiences', () => ({ aud: [] }), 'aud does not name us.'],
      [
        'a second audience that we do not know',
        () => ({ aud: ['exeunt', 'another'] }),
        'aud names others beside us, and azp does not name us.',
      ],
      [
        'a second audience that it was issued to',
        () => ({ aud: ['exeunt', 'another'], azp: 'another' }),
        'aud names others beside us, and azp does not name us.',
      ],
      ['iat in the future', (now) => ({ iat: now + 61, exp: now + 120 }), 'iat is in the future.'],
      ['iat long ago', (now) => ({ iat: now - 361 }), 'iat is too long ago.'],
      ['no iat', () => ({ iat: undefined }), wrong('iat')],
      ['iat as a text', (now) => ({ iat: String(now) }), wrong('iat')],
      ['exp that has passed', (now) => ({ iat: now - 120, exp: now - 61 }), wrong('exp')],
      ['exp at the very end of the tolerance', (now) => ({ iat: now - 120, exp: now - 60 }), wrong('exp')],
      ['no exp and iat long ago', (now) => ({ exp: undefined, iat: now - 600 }), 'iat is too long ago.'],
      ['exp far away and iat long ago', (now) => ({ exp: now + 86_400, iat: now - 600 }), 'iat is too long ago.'],
      ['exp as a text', (now) => ({ exp: String(now + 60) }), wrong('exp')],
      ['nbf in the future', (now) => ({ nbf: now + 61 }), wrong('nbf')],
      ['neither sub nor sid', () => ({ sub: undefined, sid: undefined }), 'sub or sid is required.'],
      ['an empty sub', () => ({ sub: '' }), text('sub')],
      ['an empty sid beside a good sub', () => ({ sid: '' }), text('sid')],
      ['sid null beside a good sub', () => ({ sid: null }), text('sid')],
      ['sub that is a number', () => ({ sub: 7 }), text('sub')],
      ['sid that is a list', () => ({ sid: [victim.subject.sid] }), text('sid')],
      ['sid that is too long', () => ({ sid: 's'.repeat(256) }), text('sid')],
      ['sub with a NUL character', () => ({ sub: 'a\0b' }), text('sub')],
      ['a nonce', () => ({ nonce: 'n-0S6_WzA2Mj' }), NONCE],
      ['an empty nonce', () => ({ nonce: '' }), NONCE],
      ['a nonce that is null', () => ({ nonce: null }), NONCE],
      ['no events', () => ({ events: undefined }), wrong('events')],
      ['events that are null', () => ({ events: null }), EVENTS],
      ['an empty object of events', () => ({ events: {} }), EVENTS],
      ['a list of events', () => ({ events: [EVENT] }), EVENTS],
      ['an event as a text', () => ({ events: EVENT }), EVENTS],
      ['another event', () => ({ events: { [`${EVENT}/`]: {} } }), EVENTS],
      ['the event with nothing', () => ({ events: { [EVENT]: null } }), EVENTS],
      ['the event with a text', () => ({ events: { [EVENT]: 'yes' } }), EVENTS],
      ['the event with a list', () => ({ events: { [EVENT]: [] } }), EVENTS],
      ['no jti', () => ({ jti: undefined }), wrong('jti')],
      ['an empty jti', () => ({ jti: '' }), 'jti must be a string.'],
      ['a blank jti', () => ({ jti: ' \t' }), 'jti must be a string.'],
      ['jti that is a number', () => ({ jti: 7 }), 'jti must be a string.'],
      ['jti that is too long', () => ({ jti: 'j'.repeat(256) }), 'jti must be a string.'],
    ];

    it.each(cases)('refuses %s', async (_what, claims, reason) => {
      const token = await scene.upstream.logoutToken({ ...whom(), ...claims(scene.app.clock.seconds()) });
      await expectRefused(token, reason);
    });

    const good: readonly (readonly [string, (now: Now) => Record<string, unknown>])[] = [
      ['us as the one audience in a list', () => ({ aud: ['exeunt'] })],
      ['a second audience where azp names us', () => ({ aud: ['another', 'exeunt'], azp: 'exeunt' })],
      ['iat as far ahead as clocks may differ', (now) => ({ iat: now + 60 })],
      ['iat as old as a queue may make it', (now) => ({ iat: now - 300 })],
      ['exp that has passed by less than clocks may differ', (now) => ({ iat: now - 120, exp: now - 59 })],
      ['times with a fraction', (now) => ({ iat: now - 0.25, exp: now + 119.75 })],
      ['no exp', () => ({ exp: undefined })],
      ['no exp and iat as old as a queue may make it', (now) => ({ exp: undefined, iat: now - 300 })],
      ['exp a day away', (now) => ({ exp: now + 86_400 })],
      ['exp as far away as a number goes', () => ({ exp: Number.MAX_VALUE })],
      ['an event with members', () => ({ events: { [EVENT]: { reason: 'x' }, 'urn:another': {} } })],
      ['claims that we do not know', () => ({ trace_id: 7, toe: 1 })],
    ];

    it.each(good)('obeys %s', async (_what, claims) => {
      const visitor = await scene.visitor();
      const { sub, sid } = visitor.subject;
      const token = await scene.upstream.logoutToken({ sub, sid, ...claims(scene.app.clock.seconds()) });
      await scene.expectDone(await receive(scene.app, token), 1);
      expect(await scene.isSignedIn(visitor)).toBe(false);
      expect(await scene.isSignedIn(victim)).toBe(true);
    });

    it('obeys a token without exp once: its jti is remembered as any', async () => {
      const { sub, sid } = (await scene.visitor()).subject;
      const token = await scene.upstream.logoutToken({ sub, sid, exp: undefined }, { typ: 'logout+jwt' });
      await scene.expectDone(await receive(scene.app, token), 1);
      const used = 'The logout token was used before.';
      await scene.expectRefused(() => receive(scene.app, token), used, { result: 'replayed' });
    });

    it('remembers a jti no longer than the token could be replayed and a sign-in be under way', async () => {
      const token = await scene.upstream.logoutToken({ ...whom(), sub: 'x', sid: 'y', exp: Number.MAX_VALUE });
      await scene.expectDone(await receive(scene.app, token), 0);
      const [row] = await scene.app.db.query<{ expires_at: Date }>(
        `SELECT expires_at FROM upstream_logout_tokens WHERE sid = 'y'`,
      );
      const keptMs = (row?.expires_at.getTime() ?? 0) - scene.app.clock.now().getTime();
      expect(keptMs).toBeGreaterThan(361_000);
      expect(keptMs).toBeLessThanOrEqual(3_600_000);
    });

    it('refuses a token without exp where the upstream is registered to send it, and says what is missing', async () => {
      expect((await scene.change({ requires_logout_token_exp: true })).body.requires_logout_token_exp).toBe(true);
      const token = await scene.upstream.logoutToken({ ...whom(), exp: undefined });
      await expectRefused(token, 'exp is missing from the logout token.');
      await scene.change({ requires_logout_token_exp: false });
    });

    it.each([
      ['iat', 'iat_missing'],
      ['jti', 'jti_missing'],
      ['events', 'events_missing'],
    ])('counts the refusal of a token without %s as such', async (claim, reason) => {
      const counted = async (): Promise<number> => {
        const { text: metrics } = await scene.app.json('GET', '/metrics');
        const found = new RegExp(`refusals_total\\{reason="${reason}"\\} (\\d+)`).exec(metrics);
        return Number(found?.[1]);
      };
      const before = await counted();
      await expectRefused(await scene.upstream.logoutToken({ ...whom(), [claim]: undefined }), wrong(claim));
      expect(await counted()).toBe(before + 1);
      expect((await scene.lastAudit())?.details.code).toBe(reason);
    });

    it('obeys a token without kid where several keys are published', async () => {
      const [first, second] = [scene.upstream.key, await newKey('RS256')];
      scene.upstream.publish(second);
      const node = await scene.node();
      for (const key of [first, second]) {
        const { sub, sid } = (await scene.visitor()).subject;
        const token = await scene.upstream.logoutToken({ sub, sid }, { kid: undefined }, key);
        await scene.expectDone(await receive(node, token), 1);
      }
      await node.stop();
    });
  });

  describe('what is no logout token at all (threat-model#unverified-logout-message, threat-model#token-confusion)', () => {
    it.each(['example', 'a.b', 'a.b.c', '...', 'eyJ.eyJ.x', '{"payload":"e30"}', 'null', '\u{1F512}'])(
      'refuses %j',
      async (token) => expectRefused(token, NO_JWT),
    );

    it('refuses claims that are no object', async () => {
      for (const claims of ['text', 7, null, ['x']])
        await expectRefused(assembled(parts().header, claims as unknown as object, 'c2ln'), NO_JWT);
    });

    it("refuses the upstream's ID token", async () => {
      await expectRefused(await scene.upstream.idToken({ ...whom(), nonce: 'n' }), wrong('events'));
      await expectRefused(await scene.upstream.idToken({ ...whom(), events: { [EVENT]: {} } }), wrong('jti'));
      await expectRefused(
        await scene.upstream.idToken({ ...whom(), jti: 'j', nonce: 'n', events: { [EVENT]: {} } }),
        NONCE,
      );
    });

    it('refuses our own ID token and access token', async () => {
      await expectRefused(victim.tokens.id_token, ISSUER);
      const { access_token: accessToken } = victim.tokens;
      await expectRefused(accessToken, accessToken.split('.').length === 3 ? ISSUER : NO_JWT);
    });

    it('refuses the logout token that we sent to an application', async () => {
      const party = await StubRelyingParty.start();
      const client = await scene.app.createClient({ backchannel_logout_uri: party.backchannelLogoutUri });
      const { browser } = await scene.visitor({ client });
      await signOut(browser);
      const [received] = await party.waitFor(1);
      await expectRefused(received?.token ?? '', ISSUER);
      await party.stop();
    });

    it('takes no logout token for an ID token: it brings nobody in', async () => {
      const browser = scene.app.browser();
      const before = await scene.app.rowCounts();
      const now = scene.app.clock.seconds();
      scene.upstream.idTokenClaims = { nonce: undefined, jti: 'j', events: { [EVENT]: {} }, iat: now, exp: now + 120 };
      const back = scene.upstream.authorize(await scene.leave(browser), victim.subject);
      expect((await browser.get(back)).status).toBe(400);
      scene.upstream.idTokenClaims = {};
      const after = await scene.app.rowCounts();
      for (const table of ['sessions', 'session_upstreams', 'grants']) expect(after[table]).toBe(before[table]);
      expect(browser.cookie('exeunt_session')).toBeUndefined();
    });
  });

  describe('whom it is taken from', () => {
    it.each([
      ['is disabled', { enabled: false }, { enabled: true }],
      [
        'may not use this dialect',
        { dialects: ['oidc-end-session', 'elasticsearch', 'vmware-csp'] },
        { dialects: ['back-channel-receiver', 'oidc-end-session'] },
      ],
      ['has another name for us by now', { client_id: 'exeunt-2' }, { client_id: 'exeunt' }],
    ])('refuses an upstream that %s', async (_what, change, back) => {
      const token = await scene.upstream.logoutToken(whom());
      expect((await scene.change(change)).status).toBe(200);
      await expectRefused(token, 'client_id' in change ? 'aud does not name us.' : ISSUER);
      expect((await scene.change(back)).status).toBe(200);
    });
  });

  it('writes no token to the log', () => {
    expect(scene.log().join('\n')).not.toContain('eyJ');
  });
});
