import { randomBytes } from 'node:crypto';
import { verify } from '@node-rs/argon2';

/** The sign-in page of the peer, as small as one can be: a form, the password's hash, the result for oidc-provider. */
export function interactionPages(provider, store) {
  return async (request, response) => {
    try {
      const details = await provider.interactionDetails(request, response);
      if (details.prompt.name !== 'login') throw new Error(`it asks for ${details.prompt.name}`);
      if (request.method === 'GET') return page(response, details.uid);
      const fields = new URLSearchParams(await bodyOf(request));
      const account = await store.accountByLogin(fields.get('login') ?? '');
      if (account === undefined || !(await verify(account.password_hash, fields.get('password') ?? ''))) {
        response.writeHead(401).end();
        return;
      }
      await provider.interactionFinished(request, response, { login: { accountId: account.id } });
    } catch (error) {
      process.stderr.write(`${error.stack}\n`);
      response.writeHead(500).end();
    }
  };
}

function page(response, uid) {
  const nonce = randomBytes(16).toString('base64');
  const text = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sign in</title></head><body><main>
    <h1>Sign in</h1><form method="post" action="/interaction/${uid}">
    <label>Name <input name="login" autocomplete="username"></label>
    <label>Password <input name="password" type="password" autocomplete="current-password"></label>
    <button id="login-submit">Sign in</button></form></main></body></html>`;
  response.writeHead(200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'Content-Security-Policy': `default-src 'none'; script-src 'nonce-${nonce}'; form-action 'self'`,
  });
  response.end(text);
}

function bodyOf(request) {
  return new Promise((resolve, reject) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (data) => {
      text += data;
    });
    request.on('end', () => resolve(text));
    request.on('error', reject);
  });
}
