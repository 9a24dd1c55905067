import { setTimeout as wait } from 'node:timers/promises';
import { Browser, Connection, expectStatus } from '../lib/http.mjs';

/** Notices, their record and the receipt come after the response. */
const SETTLE_MS = 1800;
/** Retention runs once a minute. */
const IDLE_MS = 65_000;
const ORDER_MS = 20_000;

/**
 * What is measured at each size. `times` is how often; each gets what `prepare` gave, which is not measured. `after` marks
 * those whose work goes on behind the response, `whole` those that are looked at with what timers send, `retention` with that, too.
 */
export const SCALE_PATHS = [
  {
    name: 'refresh',
    times: 20,
    prepare: signedIn,
    run: (scene, { tokens }) => scene.target.refresh(scene.connection, tokens),
  },
  {
    name: 'introspection',
    times: 20,
    prepare: signedIn,
    run: (scene, { tokens }) => scene.target.introspect(scene.connection, scene.application, tokens.access_token),
  },
  {
    name: 'userinfo',
    times: 20,
    prepare: signedIn,
    run: (scene, { tokens }) => scene.target.userinfo(scene.connection, tokens.access_token),
  },
  {
    name: 'revocation of an access token',
    times: 20,
    prepare: signedIn,
    run: (scene, { tokens }) => scene.target.revoke(scene.connection, scene.application, tokens.access_token),
  },
  {
    name: 'revocation of a refresh token',
    times: 20,
    prepare: signedIn,
    run: (scene, { tokens }) => scene.target.revoke(scene.connection, scene.application, tokens.refresh_token),
  },
  { name: 'sign-in with code exchange', times: 20, run: (scene, _none, n) => scene.target.signIn(scene.connection, n) },
  {
    name: 'another application, with a session',
    times: 20,
    prepare: signedIn,
    run: (scene, session) => scene.target.join(session, scene.connection, 1),
  },
  {
    name: 'own sessions page',
    times: 10,
    prepare: signedIn,
    run: (scene, { browser }) => ok(browser.get('/account/sessions')),
  },
  {
    name: 'sign-out, 3 applications notified',
    times: 10,
    after: true,
    prepare: joined(3),
    run: (scene, session) => scene.target.signOut(scene.connection, session),
  },
  {
    name: 'sign-out, 10 applications notified',
    times: 10,
    after: true,
    prepare: joined(10),
    run: (scene, session) => scene.target.signOut(scene.connection, session),
  },
  list('admin: sessions of a person', (scene) => `/admin/v1/sessions?account_id=${scene.filled.account}`),
  list('admin: newest sessions', () => '/admin/v1/sessions?limit=50'),
  list(
    'admin: sessions of an application',
    (scene) => `/admin/v1/sessions?client_id=${scene.application.id}&limit=50`,
    3,
  ),
  list('admin: sessions of an application that has none', () => '/admin/v1/sessions?client_id=unused&limit=50', 3),
  {
    name: 'admin: preview of a logout of an application',
    times: 2,
    run: (scene) =>
      scene.api.call('POST', '/admin/v1/logout-preview', {
        client_id: scene.application.id,
        cause: 'client_disabled',
      }),
  },
  list('admin: terminations', () => '/admin/v1/terminations?limit=50'),
  list('admin: terminations by a rare cause', () => '/admin/v1/terminations?cause=refresh_token_reuse&limit=50'),
  list('admin: notices', () => '/admin/v1/deliveries?limit=50'),
  list('admin: rejected notices', () => '/admin/v1/deliveries?state=rejected&limit=50'),
  list(
    'admin: abandoned notices of an application',
    (scene) => `/admin/v1/deliveries?client_id=${scene.application.id}&state=abandoned&limit=50`,
  ),
  list('admin: notices by error code', () => '/admin/v1/deliveries?error_code=http_503&limit=50'),
  list('admin: applications', () => '/admin/v1/clients?limit=50'),
  list('admin: people', () => '/admin/v1/accounts?limit=50'),
  list('admin: audit events of a kind', () => '/admin/v1/audit-events?event=logout_order&limit=50'),
  { name: 'metrics', times: 5, run: (scene) => ok(scene.connection.get('/metrics')) },
  {
    name: 'console: overview',
    times: 5,
    prepare: operator,
    run: (scene, browser) => ok(browser.get('/console/logouts')),
  },
  {
    name: 'admin: end a session',
    times: 10,
    after: true,
    prepare: aSession,
    run: (scene, id) => scene.api.json('DELETE', `/admin/v1/sessions/${id}`),
  },
  {
    name: "admin: end a person's sessions",
    times: 5,
    after: true,
    prepare: async (scene, n) =>
      (await scene.api.json('GET', `/admin/v1/sessions?limit=1&client_id=${scene.applicationNumber(n + 2)}`)).items[0]
        .account_id,
    run: (scene, id) => scene.api.json('DELETE', `/admin/v1/sessions?account_id=${id}`),
  },
  { name: 'idle, a minute with retention', times: 1, run: () => wait(IDLE_MS), whole: true, retention: true },
  {
    name: 'admin: disable an application',
    times: 1,
    whole: true,
    run: (scene) => scene.api.call('POST', `/admin/v1/clients/${scene.application.id}/disable`),
  },
  {
    name: 'admin: an order for everyone, the answer',
    times: 1,
    whole: true,
    run: async (scene) => {
      const body = { everyone: true, reason: 'a benchmark', notify_per_second: 1 };
      scene.order = (await scene.api.json('POST', '/admin/v1/logout-orders', body)).id;
    },
  },
  {
    name: `its job, ${ORDER_MS / 1000} seconds of it, for each session`,
    times: 1,
    whole: true,
    run: async (scene) => {
      await wait(ORDER_MS);
      await scene.api.json('POST', `/admin/v1/logout-orders/${scene.order}/pause`);
      const { done, total } = await scene.api.json('GET', `/admin/v1/logout-orders/${scene.order}`);
      return { outcome: `${done} of ${total} sessions`, operations: done };
    },
  },
];

export const AFTER_MS = SETTLE_MS;

function list(name, path, times = 5) {
  return { name, times, run: (scene) => scene.api.call('GET', path(scene)) };
}

async function ok(answer) {
  return expectStatus(await answer, 200, 'a page');
}

/** A person with one application. A new person for each, so that it is not their sessions that grow. */
function signedIn(scene, n) {
  return scene.target.signIn(scene.connection, n);
}

function joined(applications) {
  return async (scene, n) => {
    const session = await signedIn(scene, n);
    for (let k = 1; k < applications; k += 1) await scene.target.join(session, scene.connection, k);
    return session;
  };
}

/** One of those that were filled in, of an application that has many. */
async function aSession(scene, n) {
  const page = await scene.api.json('GET', `/admin/v1/sessions?limit=1&client_id=${scene.applicationNumber(n)}`);
  return page.items[0].id;
}

async function operator(scene) {
  const browser = new Browser(new Connection(scene.target.base));
  const page = await browser.get('/console/sign-in');
  const { id, secret } = scene.api.admin;
  await browser.submit(page, 'id="client-submit"', { client_id: id, client_secret: secret });
  return browser;
}
