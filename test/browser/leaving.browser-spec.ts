import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Request } from 'playwright-core';
import { PASSWORD, pkce, TestApp, type TestAccount, type TestClient } from '../support/app.js';
import { launchChromium, Visitor } from './chromium.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Listens somewhere, and remembers what came. */
class Listener {
  readonly asked: { readonly method: string; readonly url: string; readonly referrer: string | undefined }[] = [];
  answer: Answer = (_request, response) =>
    void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Here</title>');

  private constructor(
    private readonly server: Server,
    readonly origin: string,
  ) {}

  static async start(host: string): Promise<Listener> {
    const handle: RequestListener = (request, response) => listener.handle(request, response);
    const server = createServer(handle);
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const { port } = server.address() as AddressInfo;
    const listener: Listener = new Listener(server, `http://${host.includes(':') ? `[${host}]` : host}:${port}`);
    return listener;
  }

  /** From now on its answers lead to another origin. */
  leadTo(other: Listener): void {
    this.answer = (_request, response) => void response.writeHead(302, { location: `${other.origin}/app` }).end();
  }

  get calls(): string[] {
    return this.asked.map(({ method, url }) => `${method} ${new URL(url, this.origin).pathname}`);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private handle(request: IncomingMessage, response: ServerResponse): void {
    // Chromium asks for it by itself, when it likes.
    if (request.url === '/favicon.ico') return void response.writeHead(204).end();
    this.asked.push({ method: request.method ?? '', url: request.url ?? '', referrer: request.headers.referer });
    this.answer(request, response);
  }
}

describe('a browser that leaves by a form of ours', () => {
  let chromium: Browser;
  let app: TestApp;
  let account: TestAccount;
  const listeners: Listener[] = [];

  beforeAll(async () => {
    [chromium, app] = await Promise.all([launchChromium(), TestApp.start()]);
    account = await app.createAccount();
  });
  afterEach(() => Promise.all(listeners.splice(0).map((listener) => listener.stop())));
  afterAll(async () => {
    await chromium.close();
    await app.stop();
  });

  async function listen(host = '127.0.0.1'): Promise<Listener> {
    const listener = await Listener.start(host);
    listeners.push(listener);
    return listener;
  }

  const publicClient = (metadata: Record<string, unknown>): Promise<TestClient> =>
    app.createClient({
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      skip_consent: false,
      ...metadata,
    });

  const { verifier, challenge } = pkce();
  const open = (visitor: Visitor, client: TestClient, overrides: Record<string, string> = {}) =>
    visitor.page.goto(
      app.issuer + app.authorizeUrl(client, { code_challenge: challenge, code_challenge_method: 'S256', ...overrides }),
    );

  async function allow(visitor: Visitor): Promise<void> {
    await visitor.page.click('#consent-submit');
  }

  async function idTokenFor(client: TestClient, redirectUri: string, url: string): Promise<string> {
    const code = new URL(url).searchParams.get('code') ?? '';
    const { body } = await app.form('/token', {
      grant_type: 'authorization_code',
      client_id: client.clientId,
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    });
    return String(body.id_token);
  }

  it.each(['127.0.0.1', '::1', 'localhost'])(
    'arrives at the port of the moment on %s: after sign-in and consent, after a refusal, and after the logout dialog',
    async (host) => {
      const listener = await listen(host);
      const registered = listener.origin.replace(/:\d+$/, '');
      const client = await publicClient({
        redirect_uris: [`${registered}/cb`],
        post_logout_redirect_uris: [`${registered}/bye`],
      });
      const redirect_uri = `${listener.origin}/cb`;
      const visitor = await Visitor.arrive(chromium);

      await open(visitor, client, { redirect_uri });
      await visitor.page.click('#login-cancel');
      await visitor.page.waitForURL(`${redirect_uri}?error=access_denied*`);

      await open(visitor, client, { redirect_uri });
      await visitor.signIn(account.login);
      await visitor.page.click('#consent-deny');
      await visitor.page.waitForURL(`${redirect_uri}?error=access_denied*`);

      await open(visitor, client, { redirect_uri });
      await allow(visitor);
      await visitor.page.waitForURL(`${redirect_uri}?code=*`);
      const idToken = await idTokenFor(client, redirect_uri, visitor.page.url());
      const end = (choice: string) =>
        visitor.page
          .goto(
            `${app.issuer}/session/end_session?${new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: `${listener.origin}/bye`, state: 'x' })}`,
          )
          .then(() => visitor.page.click(choice));
      for (const choice of ['#logout-no', '#logout-client', '#logout-yes']) {
        await end(choice);
        await visitor.page.waitForURL(`${listener.origin}/bye?state=x`);
      }
      expect(listener.calls).toEqual(['GET /cb', 'GET /cb', 'GET /cb', 'GET /bye', 'GET /bye', 'GET /bye']);
      expect(listener.asked.map(({ referrer }) => referrer).filter((referrer) => referrer !== undefined)).toEqual([]);
      await visitor.leave();
    },
  );

  it.each(['query', 'form_post'])('follows a callback on to another origin (response_mode=%s)', async (mode) => {
    const [callback, elsewhere] = [await listen(), await listen('localhost')];
    callback.leadTo(elsewhere);
    const client = await app.createClient({
      redirect_uris: [`${callback.origin}/cb`],
      post_logout_redirect_uris: [`${callback.origin}/bye`],
      skip_consent: false,
    });
    const visitor = await Visitor.arrive(chromium);
    await open(visitor, client, { response_mode: mode });
    await visitor.signIn(account.login);
    await allow(visitor);
    await visitor.page.waitForURL(`${elsewhere.origin}/app`);
    // Straight from the sign-in form, too.
    await open(visitor, client, { response_mode: mode, prompt: 'login' });
    await visitor.page.fill('[name=password]', PASSWORD);
    await visitor.page.click('#login-submit');
    await visitor.page.waitForURL(`${elsewhere.origin}/app`);
    const method = mode === 'query' ? 'GET' : 'POST';
    expect(callback.calls).toEqual([`${method} /cb`, `${method} /cb`]);
    expect(elsewhere.calls).toEqual(['GET /app', 'GET /app']);
    await visitor.leave();
  });

  it('goes on without JavaScript, and Back does not stop at the page between', async () => {
    const listener = await listen();
    const client = await app.createClient({ redirect_uris: [`${listener.origin}/cb`] });
    const visitor = await Visitor.arrive(chromium, { javaScriptEnabled: false });
    await visitor.page.goto(`${listener.origin}/start`);
    await open(visitor, client);
    const form = visitor.page.url();
    await visitor.signIn(account.login);
    await visitor.page.waitForURL(`${listener.origin}/cb?code=*`);
    const requests: Request[] = [];
    visitor.page.on('request', (request) => requests.push(request));
    await visitor.page.goBack();
    expect(requests[0]?.url()).toBe(form);
    await visitor.leave();
  });

  it('tries a private-use scheme, and leaves a link to it', async () => {
    const client = await publicClient({
      redirect_uris: ['com.example.app:/cb'],
      post_logout_redirect_uris: ['com.example.app:/bye'],
    });
    const visitor = await Visitor.arrive(chromium);
    const session = await visitor.context.newCDPSession(visitor.page);
    await session.send('Page.enable');
    const asked: string[] = [];
    session.on('Page.frameRequestedNavigation', ({ url }) => asked.push(url));
    await open(visitor, client);
    await visitor.signIn(account.login);
    await allow(visitor);
    const link = visitor.page.locator('#continue');
    await link.waitFor();
    await vi.waitFor(() => expect(asked.at(-1)).toMatch(/^com\.example\.app:\/cb\?code=/), { timeout: 10_000 });
    expect(await link.getAttribute('href')).toBe(asked.at(-1));
    await visitor.look('onward');
    await visitor.leave();
  });

  it('keeps the protection that our forms post to nobody but us', async () => {
    const listener = await listen();
    const client = await app.createClient({ redirect_uris: [`${listener.origin}/cb`] });
    const visitor = await Visitor.arrive(chromium);
    await open(visitor, client);
    await visitor.page.evaluate((action) => {
      const form = document.forms[0] as HTMLFormElement;
      form.action = action;
      HTMLFormElement.prototype.submit.call(form);
    }, `${listener.origin}/steal`);
    await vi.waitFor(() => expect(visitor.problems.join()).toContain('form-action'), { timeout: 10_000 });
    visitor.problems.length = 0;
    expect(listener.calls).toEqual([]);
    await visitor.leave();
  });
});
