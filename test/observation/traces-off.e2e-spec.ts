import { createRequire } from 'node:module';
import { clientOf } from '../back-channel-logout/scene.js';
import { signOut } from '../rp-initiated-logout/end-session.js';
import { TestApp } from '../support/app.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';

/** What this process has loaded of OpenTelemetry; its interfaces alone come with the metrics. */
function loaded(): string[] {
  const { cache } = createRequire(import.meta.url);
  return Object.keys(cache).filter((path) => /node_modules\/@opentelemetry\/(?!api\/)/.test(path));
}

describe('without traces', () => {
  it('nothing is sent on, nothing is kept, no module of the SDK is loaded', async () => {
    const party = await StubRelyingParty.start();
    const app = await TestApp.start();
    party.always(503);
    const client = await clientOf(app, party);
    const account = await app.createAccount();
    const browser = app.browser({ traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' });
    const { id_token: hint } = await app.signInTo(browser, client, account.login);
    await signOut(browser, { id_token_hint: hint });
    await party.waitFor(1);
    await app.sendDue();
    expect(party.headers.map(({ traceparent }) => traceparent)).toEqual([undefined]);
    expect(await app.db.query('SELECT traceparent FROM logout_deliveries')).toEqual([{ traceparent: null }]);
    expect(loaded()).toEqual([]);
    await app.stop();
    await party.stop();
    // The look would find it.
    await import('../../src/platform/tracing/open-telemetry.js');
    expect(loaded().length).toBeGreaterThan(10);
  });
});
