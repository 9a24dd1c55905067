/** A browser's part in a test: cookies, no automatic redirects, forms as they stand in the page. */
export class Browser {
  private readonly cookies = new Map<string, string>();

  constructor(
    readonly base: string,
    readonly headers: Record<string, string> = {},
  ) {}

  get(path: string, headers: Record<string, string> = {}): Promise<Page> {
    return this.fetch(path, { method: 'GET', headers });
  }

  post(
    path: string,
    fields: Record<string, string> | URLSearchParams,
    headers: Record<string, string> = {},
  ): Promise<Page> {
    return this.fetch(path, { method: 'POST', body: new URLSearchParams(fields), headers });
  }

  /** Sends the form that holds the button, as a click on it would. */
  async submit(page: Page, button: string, typed: Record<string, string> = {}): Promise<Page> {
    const form = page.formWith(button);
    return this.post(form.action, { ...form.fields, ...typed });
  }

  /** Follows redirects as long as they stay at the provider. */
  async follow(page: Page): Promise<Page> {
    let current = page;
    while (current.location !== undefined && current.location.startsWith(this.base))
      current = await this.get(current.location);
    return current;
  }

  cookie(name: string): string | undefined {
    return this.cookies.get(name);
  }

  setCookie(name: string, value: string | undefined): void {
    if (value === undefined) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }

  private async fetch(path: string, init: RequestInit & { headers: Record<string, string> }): Promise<Page> {
    const url = new URL(path, this.base).href;
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...this.headers, ...(cookie === '' ? {} : { cookie }), ...init.headers },
    });
    for (const header of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = header.split('; ');
      const name = pair.slice(0, pair.indexOf('='));
      const value = pair.slice(pair.indexOf('=') + 1);
      if (attributes.some((setting) => setting.toLowerCase() === 'max-age=0')) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return new Page(response, await response.text(), this.base);
  }
}

/** What a request got. */
export class Page {
  readonly status: number;
  readonly headers: Headers;
  /** As it was sent; made absolute when it is a path. */
  readonly location: string | undefined;

  constructor(
    response: Response,
    readonly body: string,
    base: string,
  ) {
    this.status = response.status;
    this.headers = response.headers;
    const location = response.headers.get('location');
    this.location = location === null ? undefined : location.startsWith('/') ? base + location : location;
  }

  /** Parameters of the redirect's query. */
  get query(): URLSearchParams {
    return new URL(this.location ?? '').searchParams;
  }

  has(id: string): boolean {
    return this.body.includes(`id="${id}"`);
  }

  /** The form that holds the element with this id: where it posts, its hidden fields, and the button's own value. */
  formWith(id: string): { readonly action: string; readonly fields: Record<string, string> } {
    const form = this.body.match(/<form[\s\S]*?<\/form>/g)?.find((html) => html.includes(`id="${id}"`));
    if (form === undefined) throw new Error(`no form holds #${id} (status ${this.status})`);
    const fields: Record<string, string> = {};
    for (const [input] of form.matchAll(/<input[^>]*>/g)) {
      const name = attribute(input, 'name');
      if (name !== undefined && attribute(input, 'type') === 'hidden') fields[name] = attribute(input, 'value') ?? '';
    }
    const button = form.match(/<button[^>]*>/g)?.find((html) => html.includes(`id="${id}"`)) ?? '';
    const name = attribute(button, 'name');
    if (name !== undefined) fields[name] = attribute(button, 'value') ?? '';
    return { action: attribute(form, 'action') ?? '', fields };
  }
}

function attribute(html: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(html)?.[1];
  return value?.replace(/&(amp|lt|gt|quot|#39|#34);/g, (entity) => ENTITIES[entity] ?? entity);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&#34;': '"',
};
