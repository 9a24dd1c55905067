import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import express from 'express';
import openIdConnect from 'express-openid-connect';
import { demoPage } from './demo-page.js';
import { MemoryStore } from './memory-store.js';

export interface DemoAppOptions {
  readonly name: string;
  /** Other application, for the link on the page. */
  readonly other?: { readonly name: string; readonly url: string };
  readonly port: number;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface DemoApp {
  readonly url: string;
  /** How many logout tokens it accepted. */
  readonly logoutTokens: () => number;
  stop(): Promise<void>;
}

/** What a client of this application is registered with. */
export function demoClientMetadata(name: string, url: string): Record<string, unknown> {
  return {
    client_name: name,
    redirect_uris: [`${url}/callback`],
    post_logout_redirect_uris: [url],
    // Here the provider tells the application that a session ended.
    backchannel_logout_uri: `${url}/backchannel-logout`,
    backchannel_logout_session_required: true,
    grant_types: ['authorization_code', 'refresh_token'],
  };
}

/** A small application that signs people in with the provider and believes it when it says that they have left. */
export async function createDemoApp(options: DemoAppOptions): Promise<DemoApp> {
  const url = `http://localhost:${options.port}`;
  const app = express();
  let logoutTokens = 0;
  let lastLogout: Date | undefined;

  app.post('/backchannel-logout', (_request, response, next) => {
    response.once('finish', () => {
      if (response.statusCode !== 204 && response.statusCode !== 200) return;
      logoutTokens += 1;
      lastLogout = new Date();
    });
    next();
  });

  app.use(
    openIdConnect.auth({
      issuerBaseURL: options.issuer,
      baseURL: url,
      clientID: options.clientId,
      clientSecret: options.clientSecret,
      secret: randomBytes(32).toString('hex'),
      authRequired: false,
      authorizationParams: { response_type: 'code', scope: 'openid profile email' },
      // Cookies know no ports: two applications on localhost need two names.
      session: { name: `session_${options.port}` },
      transactionCookie: { name: `transaction_${options.port}` },
      // "Sign out" goes to the provider's end_session_endpoint, with the ID token as hint.
      idpLogout: true,
      // Logout tokens are kept here; a session whose `sid` one of them names is over.
      backchannelLogout: { store: new MemoryStore() as never },
    }),
  );

  app.get('/', (request, response) => {
    const { user, isAuthenticated } = { user: request.oidc.user, isAuthenticated: request.oidc.isAuthenticated() };
    const idTokenClaims = request.oidc.idTokenClaims as { sid?: string; auth_time?: number } | undefined;
    response.set('Cache-Control', 'no-store').send(
      demoPage({
        name: options.name,
        other: options.other,
        signedIn:
          isAuthenticated && user !== undefined
            ? {
                name: String(user.name ?? user.preferred_username ?? user.email ?? user.sub),
                sid: idTokenClaims?.sid ?? '',
                since: new Date((idTokenClaims?.auth_time ?? 0) * 1000),
              }
            : undefined,
        lastLogout,
      }),
    );
  });

  const server = await listen(app, options.port);
  return {
    url,
    logoutTokens: () => logoutTokens,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(app: express.Express, port: number): Promise<Server> {
  const server = createServer(app);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, 'localhost', () => resolve(server));
  });
}
