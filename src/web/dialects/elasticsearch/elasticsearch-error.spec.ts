import {
  incorrectMethod,
  missingCredentials,
  noHandler,
  OAuthStyleError,
  tokenExpired,
  tooManyRequests,
  unableToAuthenticate,
  unauthorizedAction,
  unsupportedContentType,
  validationFailed,
} from './elasticsearch-error.js';

describe('the three shapes of an error (wire/elasticsearch#error-object)', () => {
  it('is an object whose root cause repeats it, with the challenges in both places and as a header', () => {
    const error = missingCredentials('/_security/oidc/logout');
    const cause = {
      type: 'security_exception',
      reason: 'missing authentication credentials for REST request [/_security/oidc/logout]',
      header: { 'WWW-Authenticate': ['Basic realm="security", charset="UTF-8"', 'Bearer realm="security"'] },
    };
    expect(error.body).toEqual({ error: { root_cause: [cause], ...cause }, status: 401 });
    expect(error.status).toBe(401);
    expect(error.headers).toEqual({
      'WWW-Authenticate': 'Basic realm="security", charset="UTF-8", Bearer realm="security"',
    });
  });

  it('has a single challenge as a string', () => {
    const challenge = 'Bearer realm="security", error="invalid_token", error_description="The access token expired"';
    const { body, headers } = tokenExpired();
    expect(body).toMatchObject({
      error: { reason: 'token expired', header: { 'WWW-Authenticate': challenge } },
      status: 401,
    });
    expect(headers).toEqual({ 'WWW-Authenticate': challenge });
  });

  it('has no header where there is no challenge', () => {
    expect(validationFailed('token is missing').body).toEqual({
      error: {
        root_cause: [
          { type: 'action_request_validation_exception', reason: 'Validation Failed: 1: token is missing;' },
        ],
        type: 'action_request_validation_exception',
        reason: 'Validation Failed: 1: token is missing;',
      },
      status: 400,
    });
  });

  it('is a text when it is the router’s', () => {
    expect(noHandler('/_security/oidc/x', 'POST').body).toEqual({
      error: 'no handler found for uri [/_security/oidc/x] and method [POST]',
      status: 400,
    });
    const method = incorrectMethod('/_security/oauth2/token', 'GET', ['POST', 'DELETE']);
    expect(method.body).toEqual({
      error: 'Incorrect HTTP method for uri [/_security/oauth2/token] and method [GET], allowed: [POST, DELETE]',
      status: 405,
    });
    expect(method.headers).toEqual({ Allow: 'POST, DELETE' });
    expect(unsupportedContentType('text/plain').body).toEqual({
      error: 'Content-Type header [text/plain] is not supported',
      status: 406,
    });
    expect(unsupportedContentType(undefined).text).toBe('Content-Type header is missing');
  });

  it('is OAuth’s, always 400, for a token request', () => {
    const error = new OAuthStyleError('invalid_grant', 'token has been invalidated');
    expect([error.status, error.body]).toEqual([
      400,
      { error: 'invalid_grant', error_description: 'token has been invalidated' },
    ]);
  });
});

describe('words', () => {
  it('number every problem', () => {
    expect(validationFailed('a', 'b').reason).toBe('Validation Failed: 1: a;2: b;');
  });

  it('name action, caller and privilege', () => {
    expect(unauthorizedAction('cluster:admin/xpack/security/oidc/logout', 'ledger', 'manage_oidc').reason).toBe(
      'action [cluster:admin/xpack/security/oidc/logout] is unauthorized for user [ledger], this action is granted by the cluster privileges [manage_oidc]',
    );
  });

  it('do not repeat a name of any length', () => {
    expect(unableToAuthenticate('x'.repeat(10_000), '/').reason.length).toBeLessThan(400);
  });

  it('say when to come back', () => {
    expect(tooManyRequests(7).headers).toEqual({ 'Retry-After': '7' });
  });
});
