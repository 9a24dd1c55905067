import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import type { TestApp } from './app.js';
import { freePort } from './ports.js';

/** What is used of `oidc-provider`, which comes without types. */
interface Provider {
  callback(): RequestListener;
  on(event: 'backchannel.success' | 'backchannel.error', listener: () => void): void;
}
type ProviderClass = new (issuer: string, configuration: object) => Provider;

/** What it is registered as at the application. */
const NAME = 'corporate';
const CLIENT = { id: 'exeunt', secret: 'upstream-secret' };
const RECEIVER = '/api/v1/auth/oidc/backchannel-logout';

/** Another organization's provider, with the pages for development that it brings along. */
export class RealUpstream {
  readonly outcomes: string[] = [];

  private constructor(
    readonly issuer: string,
    private readonly server: Server,
  ) {}

  static async start(app: TestApp): Promise<RealUpstream> {
    const port = await freePort();
    const issuer = `http://127.0.0.1:${port}`;
    const name: string = 'oidc-provider';
    const { default: Provider } = (await import(name)) as { readonly default: ProviderClass };
    const provider = new Provider(issuer, await configurationFor(app));
    const server = createServer(provider.callback()).listen(port, '127.0.0.1');
    await once(server, 'listening');
    const upstream = new RealUpstream(issuer, server);
    for (const event of ['backchannel.success', 'backchannel.error'] as const)
      provider.on(event, () => upstream.outcomes.push(event));
    return upstream;
  }

  /** Lets people of this provider sign in at the application. */
  async register(app: TestApp): Promise<void> {
    const { status, text } = await app.json('POST', '/admin/v1/upstreams', {
      token: await app.adminToken(),
      body: { name: NAME, issuer: this.issuer, client_id: CLIENT.id, client_secret: CLIENT.secret },
    });
    if (status !== 201) throw new Error(`registration answered ${status}: ${text}`);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

async function configurationFor(app: TestApp): Promise<object> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: '1' }] },
    cookies: { keys: ['not a secret'] },
    // Without them it says on the console that these are defaults.
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, AuthorizationCode: 60, IdToken: 600 },
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [`${app.issuer}/upstreams/${NAME}/callback`],
        post_logout_redirect_uris: [`${app.issuer}/upstreams/${NAME}/signed-out`],
        backchannel_logout_uri: `${app.issuer}${RECEIVER}`,
        backchannel_logout_session_required: true,
      },
    ],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email'] },
    findAccount: (_context: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({ sub, name: 'Ada Upstream', preferred_username: sub, email: `${sub}@example.org` }),
    }),
    features: { backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    // Its own guard against requests to loopback, where we are in this test, is in the dispatcher.
    fetch: (url: string, { method, headers, body, signal }: Required<RequestInit>) =>
      fetch(url, { method, headers, body, signal, redirect: 'manual' }),
  };
}
