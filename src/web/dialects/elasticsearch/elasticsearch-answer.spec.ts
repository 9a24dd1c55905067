import { checkQuery, mediaTypeFor, pathOf, toText, type ElasticsearchRequest } from './elasticsearch-answer.js';
import { ObjectError } from './elasticsearch-error.js';
import { filterByPath } from './filter-path.js';

const BODY = {
  access_token: 'a',
  type: 'Bearer',
  authentication: {
    username: 'mia',
    roles: ['a', 'b'],
    authentication_realm: { name: 'acme', type: 'oidc' },
    lookup_realm: { name: 'acme', type: 'oidc' },
  },
  items: [{ id: 1, name: 'x' }, { id: 2 }],
  none: null,
};

describe('filter_path', () => {
  it.each([
    ['a name', 'type', { type: 'Bearer' }],
    ['a path', 'authentication.username', { authentication: { username: 'mia' } }],
    ['several', 'type, authentication.roles', { type: 'Bearer', authentication: { roles: ['a', 'b'] } }],
    ['part of a name', 'a*n', { access_token: 'a', authentication: BODY.authentication }],
    [
      'a star in the middle',
      'auth*.*_realm.name',
      { authentication: { authentication_realm: { name: 'acme' }, lookup_realm: { name: 'acme' } } },
    ],
    [
      'any depth',
      '**.name',
      {
        authentication: { authentication_realm: { name: 'acme' }, lookup_realm: { name: 'acme' } },
        items: [{ name: 'x' }],
      },
    ],
    [
      'any depth, none at all',
      '**.type',
      { type: 'Bearer', authentication: { authentication_realm: { type: 'oidc' }, lookup_realm: { type: 'oidc' } } },
    ],
    ['any depth at the end', 'authentication.**', { authentication: BODY.authentication }],
    ['elements of an array', 'items.id', { items: [{ id: 1 }, { id: 2 }] }],
    ['a null', 'none', { none: null }],
    ['everything', '**', BODY],
    ['nothing that is there', 'redirect', {}],
    ['a member of no object', 'type.length', {}],
    ['an empty list', ' , ', BODY],
    [
      'all but a path',
      '-authentication,-items.name,-none',
      { access_token: 'a', type: 'Bearer', items: [{ id: 1 }, { id: 2 }] },
    ],
    [
      'both, the exclusion first',
      'authentication,-**.name,-**.roles',
      { authentication: { username: 'mia', authentication_realm: { type: 'oidc' }, lookup_realm: { type: 'oidc' } } },
    ],
    ['all but everything', '-**', {}],
  ])('takes %s', (_name, filterPath, expected) => {
    expect(filterByPath(BODY, filterPath)).toEqual(expected);
  });

  it('takes no longer for many stars', () => {
    const started = performance.now();
    filterByPath(BODY, Array.from({ length: 3000 }, () => '**.*').join('.'));
    filterByPath({ [`${'a'.repeat(40)}!`]: 1 }, '*a'.repeat(4000));
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('the media type of an answer', () => {
  it.each([
    [undefined, 'application/json'],
    ['*/*', 'application/json'],
    ['application/json', 'application/json'],
    [
      'application/vnd.elasticsearch+json; compatible-with=9,text/plain',
      'application/vnd.elasticsearch+json;compatible-with=9',
    ],
    ['application/vnd.elasticsearch+json;compatible-with=8', 'application/vnd.elasticsearch+json;compatible-with=8'],
    ['application/vnd.elasticsearch+json;compatible-with=x', 'application/json'],
  ])('%s: %s', (accept, mediaType) => {
    expect(mediaTypeFor(accept)).toBe(mediaType);
  });
});

describe('pretty', () => {
  it('indents, with a space before each colon and a line break at the end', () => {
    expect(toText({ redirect: null, a: { 'b"': ['c": d'] } }, true)).toBe(
      '{\n  "redirect" : null,\n  "a" : {\n    "b\\"" : [\n      "c\\": d"\n    ]\n  }\n}\n',
    );
  });

  it('is not the default', () => {
    expect(toText({ redirect: null }, false)).toBe('{"redirect":null}');
  });
});

describe('query parameters', () => {
  const request = (query: ElasticsearchRequest['query']): ElasticsearchRequest => ({
    method: 'POST',
    url: '/_security/oidc/logout?x=1',
    headers: {},
    query,
  });
  const refusal = (query: ElasticsearchRequest['query']): unknown => {
    try {
      return checkQuery(request(query));
    } catch (error) {
      return error;
    }
  };

  it('are named by path alone', () => {
    expect(pathOf(request({}))).toBe('/_security/oidc/logout');
  });

  it('may be those that are legal anywhere', () => {
    expect(
      refusal({ pretty: '', human: 'true', error_trace: 'false', filter_path: 'redirect', format: 'json' }),
    ).toBeUndefined();
  });

  it.each([
    [{ x: '1' }, 'request [/_security/oidc/logout] contains unrecognized parameter: [x]'],
    [{ x: ['1', '2'] }, 'request [/_security/oidc/logout] contains unrecognized parameter: [x]'],
    [{ z: '', y: '' }, 'request [/_security/oidc/logout] contains unrecognized parameters: [y], [z]'],
    [
      { prety: '' },
      'request [/_security/oidc/logout] contains unrecognized parameter: [prety] -> did you mean [pretty]?',
    ],
    [{ pretty: 'yes' }, 'Failed to parse value [yes] as only [true] or [false] are allowed.'],
  ])('are refused otherwise: %j', (query, reason) => {
    const error = refusal(query);
    expect(error).toBeInstanceOf(ObjectError);
    expect(error).toMatchObject({ status: 400, type: 'illegal_argument_exception', reason });
  });
});
