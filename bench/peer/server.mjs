// The provider that the benchmark compares with: oidc-provider on Postgres, as a program of its own.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Provider } from 'oidc-provider';
import { Store } from './adapter.mjs';
import { interactionPages } from './interactions.mjs';

const { PORT, DATABASE_URL, BENCH_CLIENTS, BENCH_ACCOUNTS } = process.env;
const store = new Store(DATABASE_URL);
await store.prepare();
for (const { login, passwordHash, claims } of JSON.parse(BENCH_ACCOUNTS))
  await store.pool.query('INSERT INTO accounts (login, password_hash, claims) VALUES ($1, $2, $3)', [
    login,
    passwordHash,
    JSON.stringify(claims),
  ]);

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const hours = (count) => count * 3600;
const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  adapter: (model) => store.adapterFor(model),
  clients: JSON.parse(BENCH_CLIENTS).map(registration),
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' }] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  // As long as ours, by their defaults.
  ttl: {
    AccessToken: 600,
    ClientCredentials: 600,
    AuthorizationCode: 60,
    IdToken: 3600,
    Interaction: 600,
    Session: hours(24 * 14),
    Grant: hours(24 * 14),
    RefreshToken: hours(24 * 30),
  },
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email'] },
  scopes: ['openid', 'profile', 'email'],
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    backchannelLogout: { enabled: true },
    devInteractions: { enabled: false },
  },
  // Every client that may refresh gets a token for it, and each is used once: what ours does.
  issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  loadExistingGrant: grantWithoutConsent,
  interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
  findAccount: async (_ctx, sub) => {
    const account = await store.account(sub);
    return account && { accountId: account.id, claims: () => claimsOf(account) };
  },
  // Its own guard against requests to loopback, where the receivers are, is in the dispatcher.
  fetch: (url, { dispatcher: _guarded, ...options }) => fetch(url, options),
});

function registration({ id, secret, redirectUri, notices, machine }) {
  const authentication = { client_id: id, client_secret: secret, token_endpoint_auth_method: 'client_secret_basic' };
  if (machine) return { ...authentication, grant_types: ['client_credentials'], redirect_uris: [], response_types: [] };
  return {
    ...authentication,
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    backchannel_logout_uri: notices,
    backchannel_logout_session_required: true,
  };
}

/** The documented way to ask no consent of clients that are the operator's own. */
async function grantWithoutConsent(ctx) {
  const { session, client, params, account } = ctx.oidc;
  const id = ctx.oidc.result?.consent?.grantId ?? session.grantIdFor(client.clientId);
  if (id) return provider.Grant.find(id);
  const grant = new provider.Grant({ clientId: client.clientId, accountId: account?.accountId ?? session.accountId });
  grant.addOIDCScope(params.scope);
  await grant.save();
  return grant;
}

function claimsOf({ id, login, claims }) {
  return { sub: id, preferred_username: login, ...claims };
}

const oidc = provider.callback();
const pages = interactionPages(provider, store);
const server = createServer((request, response) => {
  if (request.url.startsWith('/interaction/')) void pages(request, response);
  else oidc(request, response);
});
server.keepAliveTimeout = 60_000;
server.listen(Number(PORT), '127.0.0.1', () => process.stdout.write('ready\n'));
process.on('SIGTERM', () => process.exit(0));
