import { Client } from 'undici';

const FORM = 'application/x-www-form-urlencoded';

/** One connection that is kept alive, as an application's is. Asks one thing at a time. */
export class Connection {
  constructor(base) {
    this.base = base;
    this.client = new Client(base, { headersTimeout: 60_000, bodyTimeout: 60_000 });
  }

  async request(method, path, { headers = {}, body } = {}) {
    const answer = await this.client.request({ method, path, headers, body });
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
  }

  get(path, headers) {
    return this.request('GET', path, { headers });
  }

  form(path, fields, headers = {}) {
    const body = typeof fields === 'string' ? fields : new URLSearchParams(fields).toString();
    return this.request('POST', path, { headers: { 'content-type': FORM, ...headers }, body });
  }

  close() {
    return this.client.close();
  }
}

/** An answer that must have been this; anything else ends the run, since it would be measured as something it is not. */
export function expectStatus(answer, status, what) {
  if (answer.status === status) return answer;
  throw new Error(`${what} answered ${answer.status}: ${answer.text.slice(0, 500)}`);
}

/** A person's browser on a connection: cookies, forms as they stand in the page. */
export class Browser {
  cookies = new Map();

  constructor(connection) {
    this.connection = connection;
  }

  get(path) {
    return this.#send('GET', path);
  }

  /** Sends the form in which `marker` stands, its hidden fields and what was typed. */
  submit(page, marker, typed) {
    const { action, fields } = formWith(page, marker);
    return this.#send('POST', action, new URLSearchParams({ ...fields, ...typed }).toString());
  }

  /** Follows redirects as long as they stay at the provider. */
  async follow(page) {
    let current = page;
    while (current.location?.startsWith(this.connection.base)) current = await this.get(current.location);
    return current;
  }

  async #send(method, url, body) {
    const { base } = this.connection;
    const path = url.startsWith(base) ? url.slice(base.length) : url;
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(cookie === '' ? {} : { cookie }), ...(body === undefined ? {} : { 'content-type': FORM }) };
    const answer = await this.connection.request(method, path, { headers, body });
    for (const header of [answer.headers['set-cookie'] ?? []].flat()) this.#keep(header);
    const { location } = answer.headers;
    return { ...answer, location: location?.startsWith('/') ? base + location : location };
  }

  #keep(header) {
    const [pair, ...attributes] = header.split(';').map((part) => part.trim());
    const at = pair.indexOf('=');
    const gone = attributes.some((text) => /^max-age=0$/i.test(text) || /^expires=.*1970/i.test(text));
    if (gone) this.cookies.delete(pair.slice(0, at));
    else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
  }
}

function formWith(page, marker) {
  const form = page.text.match(/<form[\s\S]*?<\/form>/g)?.find((html) => html.includes(marker));
  if (form === undefined) throw new Error(`no form with ${marker}: ${page.status} ${page.text.slice(0, 500)}`);
  const fields = {};
  for (const [input] of form.matchAll(/<input[^>]*>/g))
    if (attribute(input, 'type') === 'hidden') fields[attribute(input, 'name')] = attribute(input, 'value') ?? '';
  return { action: attribute(form, 'action'), fields };
}

function attribute(html, name) {
  return new RegExp(`\\s${name}="([^"]*)"`)
    .exec(html)?.[1]
    .replaceAll('&amp;', '&')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
}
