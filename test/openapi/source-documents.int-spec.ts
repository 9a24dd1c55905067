import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}
interface Content {
  readonly schema?: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}
interface Operation {
  readonly parameters?: ReadonlyArray<{
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly deprecated?: boolean;
  }>;
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, Content>>; readonly headers?: object }>
  >;
  readonly security?: readonly object[];
}

/** As emitted and committed; that it is up to date is `npm run openapi:check`'s business. */
const document = load(readFileSync('openapi.yaml', 'utf8')) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

function operation(method: string, path: string): Operation {
  const found = document.paths[path]?.[method];
  if (found === undefined) throw new Error(`the document has no ${method} ${path}`);
  return found;
}

function resolved(schema: Schema | undefined): Schema {
  const name = schema?.$ref?.split('/').at(-1);
  return name === undefined ? (schema ?? {}) : (document.components.schemas[name] ?? {});
}

function fieldsOf(content: Content | undefined): string[] {
  return Object.keys(resolved(content?.schema).properties ?? {}).sort();
}

function parametersOf({ parameters = [] }: Operation, where: string): string[] {
  return parameters.filter((parameter) => parameter.in === where).map(({ name }) => name);
}

function hasExample(content: Content | undefined): boolean {
  return content?.example !== undefined || Object.keys(content?.examples ?? {}).length > 0;
}

/** What each of the four documents says must be found in ours, so that it could be written again from it. */
describe('the API document mirrors what the dialects were documented as', () => {
  it('the back-channel logout receiver: one form field, 200 and 400', () => {
    const { requestBody, responses, security } = operation('post', '/api/v1/auth/oidc/backchannel-logout');
    const form = requestBody?.content['application/x-www-form-urlencoded'];
    expect(resolved(form?.schema)).toMatchObject({ required: ['logout_token'] });
    expect(fieldsOf(form)).toEqual(['logout_token']);
    expect(Object.keys(requestBody?.content ?? {})).toEqual(['application/x-www-form-urlencoded']);
    expect(Object.keys(responses).sort()).toEqual(['200', '400', '405', '429']);
    expect(fieldsOf(responses['400']?.content?.['application/json'])).toEqual(['error', 'error_description']);
    expect(hasExample(responses['400']?.content?.['application/json'])).toBe(true);
    expect(security).toEqual([]);
  });

  it("cidaas's end-session endpoint: four optional query parameters, a page, and a redirect", () => {
    const get = operation('get', '/session/end_session');
    for (const name of ['access_token_hint', 'id_token_hint', 'post_logout_redirect_uri', 'state'])
      expect(parametersOf(get, 'query')).toContain(name);
    expect(get.parameters?.some(({ required }) => required)).toBe(false);
    expect(Object.keys(get.responses['200']?.content ?? {})).toEqual(['text/html']);
    expect(get.responses['303']?.headers).toHaveProperty('Location');
    expect(get.responses).toHaveProperty('500');
    expect(operation('post', '/session/end_session').requestBody?.content).toHaveProperty(
      'application/x-www-form-urlencoded',
    );
  });

  it("Elasticsearch's logout: token, its alias and refresh_token in, redirect out, errors with root_cause", () => {
    const { requestBody, responses } = operation('post', '/_security/oidc/logout');
    expect(fieldsOf(requestBody?.content['application/json'])).toEqual(['access_token', 'refresh_token', 'token']);
    expect(hasExample(requestBody?.content['application/json'])).toBe(true);
    expect(fieldsOf(responses['200']?.content?.['application/json'])).toEqual(['redirect']);
    for (const status of ['400', '401', '403', '405', '406'])
      expect([status, hasExample(responses[status]?.content?.['application/json'])]).toEqual([status, true]);
    expect(JSON.stringify(responses['401'])).toContain('root_cause');
  });

  it.each([
    [
      'post',
      '/_security/oidc/prepare',
      ['iss', 'login_hint', 'nonce', 'realm', 'state'],
      ['nonce', 'realm', 'redirect', 'state'],
    ],
    [
      'post',
      '/_security/oidc/authenticate',
      ['nonce', 'realm', 'redirect_uri', 'state'],
      ['access_token', 'authentication', 'expires_in', 'refresh_token', 'type', 'username'],
    ],
    [
      'delete',
      '/_security/oauth2/token',
      ['realm_name', 'refresh_token', 'token', 'username'],
      ['error_count', 'invalidated_tokens', 'previously_invalidated_tokens'],
    ],
  ])("Elasticsearch's %s %s: its fields in and out", (method, path, request, response) => {
    const { requestBody, responses } = operation(method, path);
    expect(fieldsOf(requestBody?.content['application/json'])).toEqual(request);
    for (const field of response) expect(fieldsOf(responses['200']?.content?.['application/json'])).toContain(field);
  });

  it("VMware CSP's logout URL: query, cookie, body, and errors of six fields", () => {
    const v1 = operation('post', '/csp/gateway/am/api/auth/logout');
    expect(parametersOf(v1, 'query').sort()).toEqual(['orgId', 'orgLink', 'post_logout_redirect_uri', 'state']);
    expect(v1.parameters?.find(({ name }) => name === 'orgLink')?.deprecated).toBe(true);
    expect(v1.parameters?.some(({ required }) => required)).toBe(false);
    expect(fieldsOf(v1.requestBody?.content['application/json'])).toEqual(['idToken']);
    expect(fieldsOf(v1.responses['200']?.content?.['application/json'])).toEqual(['url']);
    for (const status of ['400', '404', '409', '415', '429', '500']) {
      const content = v1.responses[status]?.content?.['application/json'];
      expect(fieldsOf(content)).toEqual([
        'cspErrorCode',
        'errorCode',
        'message',
        'moduleCode',
        'requestId',
        'statusCode',
      ]);
      expect([status, hasExample(content)]).toEqual([status, true]);
    }
    const v2 = operation('post', '/csp/gateway/am/api/v2/auth/logout');
    expect(parametersOf(v2, 'query').sort()).toEqual(['orgId', 'post_logout_redirect_uri', 'state']);
    expect(v2.responses['303']?.headers).toHaveProperty('Location');
  });
});
