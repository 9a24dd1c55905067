import { EVENT, receive, RECEIVER, Scene, expectDone } from './scene.js';

/** The modules of the OpenID Foundation's plan for relying parties, by their names. */
describe('the conformance suite’s back-channel logout modules for relying parties', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.start();
  });
  afterAll(() => scene.stop());

  it('oidcc-client-test-rp-backchannel-rpinitlogout: 200 and no-store, though form and token hold what we do not know', async () => {
    const visitor = await scene.visitor();
    const { sub, sid } = visitor.subject;
    const token = await scene.upstream.logoutToken({ sub, sid, a_claim_nobody_knows: { of: ['any', 'kind'] } });
    const answer = await scene.app.form(RECEIVER, { logout_token: token, a_field_nobody_knows: 'x' });
    expectDone(answer);
    expect(await scene.isSignedIn(visitor)).toBe(false);
  });

  it.each([
    ['alg-none', {}, { alg: 'none' }, 'alg is not the one that was agreed.'],
    ['no-event', { events: undefined }, {}, 'events of the logout token is not as it must be.'],
    ['with-nonce', { nonce: 'n-0S6_WzA2Mj' }, {}, 'The logout token carries a nonce.'],
    ['wrong-alg', {}, { alg: 'PS256' }, 'alg is not the one that was agreed.'],
    ['wrong-aud', { aud: 'another' }, {}, 'aud does not name us.'],
    ['wrong-event', { events: { [`${EVENT}-wrong`]: {} } }, {}, 'events does not have the back-channel logout event.'],
    ['wrong-iss', { iss: 'https://another.example.org' }, {}, 'iss is not an issuer that we take logout tokens from.'],
  ])('oidcc-client-test-rp-backchannel-rpinitlogout-%s: 400', async (_name, claims, header, reason) => {
    const visitor = await scene.visitor();
    const { sub, sid } = visitor.subject;
    const token = await signed({ sub, sid, ...claims }, header);
    await scene.expectRefused(() => receive(scene.app, token), reason);
    expect(await scene.isSignedIn(visitor)).toBe(true);
  });

  /** The header is put in afterwards: no library signs by `none`, nor by PS256 with a key for RS256. */
  async function signed(claims: Record<string, unknown>, header: { readonly alg?: string }): Promise<string> {
    const token = await scene.upstream.logoutToken(claims);
    if (header.alg === undefined) return token;
    const [, payload, signature] = token.split('.');
    const { kid } = scene.upstream.key;
    const changed = Buffer.from(JSON.stringify({ typ: 'logout+jwt', kid, ...header })).toString('base64url');
    return [changed, payload, header.alg === 'none' ? '' : signature].join('.');
  }
});
