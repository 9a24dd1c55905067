import { createHash, randomBytes } from 'node:crypto';
import { Browser, Connection, expectStatus } from './http.mjs';

export const LANES = 10;
export const APPLICATIONS = 10;
export const PASSWORD = 'a password that is only for the benchmark';
const SCOPE = 'openid profile';

/** A provider that runs, as applications and browsers see it. Both are used by the same code, but for names and paths. */
export class Target {
  /**
   * @param provider name, base, pid, database, paths, machine, applications, logins, and how its logout dialog is answered
   */
  constructor(provider) {
    Object.assign(this, provider);
    this.lanes = Array.from({ length: LANES }, () => new Connection(this.base));
    /** Beside the load, for whoever watches. */
    this.watcher = new Connection(this.base);
  }

  async close() {
    await Promise.all([...this.lanes, this.watcher].map((lane) => lane.close()));
    await this.stop();
  }

  basic({ id, secret }) {
    return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
  }

  /** Runs `operation(connection, index)` so many times, on all connections at once. */
  async each(count, operation) {
    let next = 0;
    await Promise.all(
      this.lanes.map(async (connection) => {
        while (next < count) {
          const index = next;
          next += 1;
          await operation(connection, index);
        }
      }),
    );
  }

  /** An access token of the client's own. */
  async machineToken(connection) {
    const answer = await connection.form(
      this.paths.token,
      { grant_type: 'client_credentials' },
      this.basic(this.machine),
    );
    return JSON.parse(expectStatus(answer, 200, 'client_credentials').text).access_token;
  }

  /** Signs in by the form, with an account of its turn. */
  signIn(connection, index) {
    const browser = new Browser(connection);
    const login = this.logins[index % this.logins.length];
    return this.#authorize(browser, this.applications[0], login).then((tokens) => ({ browser, tokens }));
  }

  /** Goes to one more application, with the session that the browser has. */
  join(session, connection, application) {
    session.browser.connection = connection;
    return this.#authorize(session.browser, this.applications[application]);
  }

  async #authorize(browser, client, login) {
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
      client_id: client.id,
      redirect_uri: client.redirectUri,
      response_type: 'code',
      scope: SCOPE,
      state: 'a-state',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    let page = await browser.follow(await browser.get(`${this.paths.authorize}?${query}`));
    if (login !== undefined)
      page = await browser.follow(await browser.submit(page, 'name="password"', { login, password: PASSWORD }));
    if (page.location?.startsWith(client.redirectUri) !== true)
      throw new Error(`${this.name}: no way back to the application: ${page.status} ${page.text.slice(0, 800)}`);
    const code = new URL(page.location).searchParams.get('code');
    const answer = await browser.connection.form(
      this.paths.token,
      { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri, code_verifier: verifier },
      this.basic(client),
    );
    return JSON.parse(expectStatus(answer, 200, `${this.name}'s code exchange`).text);
  }

  /** A refresh token is used once; the answer holds the next. */
  async refresh(connection, tokens, application = 0) {
    const answer = await connection.form(
      this.paths.token,
      { grant_type: 'refresh_token', refresh_token: tokens.refresh_token },
      this.basic(this.applications[application]),
    );
    return JSON.parse(expectStatus(answer, 200, 'refresh').text);
  }

  async introspect(connection, client, token) {
    const answer = await connection.form(this.paths.introspect, { token }, this.basic(client));
    if (!expectStatus(answer, 200, 'introspect').text.includes('"active":true'))
      throw new Error(`${this.name}: a live token is called dead: ${answer.text}`);
  }

  async revoke(connection, client, token) {
    expectStatus(await connection.form(this.paths.revoke, { token }, this.basic(client)), 200, 'revoke');
  }

  async userinfo(connection, token) {
    const answer = await connection.get(this.paths.userinfo, { authorization: `Bearer ${token}` });
    if (!expectStatus(answer, 200, 'userinfo').text.includes('"name"')) throw new Error(`userinfo: ${answer.text}`);
  }

  /** RP-initiated logout with a hint, and the answer to the question that follows. */
  async signOut(connection, { browser, tokens }) {
    browser.connection = connection;
    const client = this.applications[0];
    const query = new URLSearchParams({
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: client.redirectUri,
      state: 'gone',
    });
    const dialog = expectStatus(await browser.get(`${this.paths.endSession}?${query}`), 200, 'the logout dialog');
    const answer = await browser.submit(dialog, this.dialog.marker, this.dialog.yes);
    if (answer.status !== 200 && answer.status !== 303)
      throw new Error(`${this.name}: logout answered ${answer.status}: ${answer.text.slice(0, 500)}`);
  }
}
