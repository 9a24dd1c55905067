import {
  type ClientView,
  type ConsentView,
  type LogoutConfirmationView,
  renderConsentPage,
  renderErrorPage,
  renderFormPostPage,
  renderHeldBackPage,
  renderHomePage,
  renderLogoutConfirmationPage,
  renderOnwardPage,
  renderSessionsPage,
  renderSignedOutPage,
  renderSignInPage,
  renderStillSignedInPage,
  type SessionsView,
  type SignedOutView,
  type SignInView,
} from './pages.js';

const NONCE = 'bm9uY2U=';
const ATTACK = '"><script>alert(1)</script>';
const TRICKY = `https://app.example/cb?a='1'&b="2"&c=<3>&d=&amp;&state=ü%20\`{}`;

const ada = { login: 'ada@example.org', name: 'Ada Lovelace' };
const acme: ClientView = {
  name: 'Acme Invoices',
  logoUri: 'https://acme.example/logo.png',
  clientUri: 'https://acme.example/',
  policyUri: 'https://acme.example/privacy',
  tosUri: 'https://acme.example/terms',
};
const form = { nonce: NONCE, action: '/act', csrf: 'csrf-value' };

const aSignIn = (view: Partial<SignInView> = {}) => renderSignInPage({ ...form, login: '', ...view });
const aConsent = (view: Partial<ConsentView> = {}) =>
  renderConsentPage({
    ...form,
    client: acme,
    verified: true,
    recipient: 'acme.example',
    account: ada,
    scopes: [{ name: 'email', description: 'See your email address' }],
    offlineAccess: false,
    ...view,
  });
const aConfirmation = (view: Partial<LogoutConfirmationView> = {}) =>
  renderLogoutConfirmationPage({
    ...form,
    request: 'sealed',
    account: ada,
    applications: 2,
    returnsToClient: false,
    ...view,
  });
const aSignedOut = (view: Partial<SignedOutView> = {}) =>
  renderSignedOutPage({ nonce: NONCE, alreadySignedOut: false, applications: [], ...view });
const aSessionsPage = (view: Partial<SessionsView> = {}) =>
  renderSessionsPage({
    nonce: NONCE,
    csrf: 'csrf-value',
    account: ada,
    endOthersAction: '/account/sessions/end-others',
    applicationsUrl: '/account/applications',
    signOutUrl: '/session/end_session',
    sessions: [aSession('other'), aSession('here', { current: true, device: 'Firefox on Linux' })],
    ...view,
  });
const aSession = (id: string, session: Partial<SessionsView['sessions'][number]> = {}) => ({
  id,
  endAction: `/account/sessions/${id}/end`,
  current: false,
  device: 'Chrome on Android',
  address: '203.0.113.9',
  signedInAt: new Date('2026-09-01T08:12:00Z'),
  lastSeenAt: new Date('2026-09-03T17:40:00Z'),
  applications: ['Acme Invoices', 'Payroll'],
  ...session,
});

/** Every page and every branch, with the given texts in all the places that come from outside. */
function everyPage(text: string, client: ClientView): ReadonlyArray<readonly [string, string]> {
  const account = { login: text, name: text };
  const base = { nonce: NONCE };
  const outside = { action: `/act?x=${text}`, csrf: text };
  const upstream = { name: text, url: `https://sso.example/?x=${text}` };
  const upstreams = [upstream, { name: ' ', url: `/interaction/1/upstream?x=${text}` }];
  const error = { ...base, status: 400, title: text, message: text, requestId: text };
  return [
    ['sign-in', aSignIn({ ...outside, login: text, client, cancelAction: `/cancel?x=${text}` })],
    ['sign-in, no client', aSignIn({ cancelAction: '/cancel' })],
    ['sign-in, again', aSignIn({ login: text, client, reauthenticate: account })],
    ['sign-in, again, no client', aSignIn({ reauthenticate: { login: text } })],
    ['sign-in, upstreams', aSignIn({ client, upstreams, cancelAction: '/cancel' })],
    ['sign-in, upstreams, again', aSignIn({ reauthenticate: account, upstreams })],
    ...(['upstream_unavailable', 'upstream_refused', 'account_unusable'] as const).flatMap(
      (problem) =>
        [
          [`sign-in, ${problem}`, aSignIn({ upstreams, error: problem, upstreamName: text })],
          [`sign-in, ${problem}, unnamed`, aSignIn({ reauthenticate: account, error: problem })],
        ] as const,
    ),
    ...(['wrong_credentials', 'too_many_attempts', 'busy', 'missing_fields', 'too_long'] as const).flatMap(
      (problem) =>
        [
          [`sign-in, ${problem}`, aSignIn({ login: text, client, error: problem, retryAfterSeconds: 30 })],
          [`sign-in, ${problem}, again`, aSignIn({ reauthenticate: account, error: problem })],
        ] as const,
    ),
    [
      'consent',
      aConsent({ ...outside, client, account, scopes: [{ name: text, description: text }], offlineAccess: true }),
    ],
    ['consent, not verified', aConsent({ client, verified: false, recipient: text })],
    ['consent, on this device', aConsent({ client, recipient: undefined })],
    ['consent, nothing asked', aConsent({ client: { name: text }, scopes: [] })],
    ['consent, scope without words', aConsent({ client, scopes: [{ name: text, description: '' }] })],
    ['confirmation', aConfirmation({ ...outside, request: text, account, client, returnsToClient: true })],
    ['confirmation, bare', aConfirmation({ account: { login: text }, applications: 0 })],
    ['confirmation, client unknown', aConfirmation({ applications: 1, returnsToClient: true })],
    ['confirmation, nobody', aConfirmation({ account: undefined, client, returnsToClient: true })],
    ['confirmation, of one alone', aConfirmation({ client, mayLeaveClient: true })],
    ['confirmation, upstream', aConfirmation({ client, upstream })],
    ['confirmation, upstream, nobody', aConfirmation({ account: undefined, upstream })],
    ...(['other_account', 'hint_mismatch', 'unknown_request'] as const).flatMap(
      (notice) =>
        [
          [`confirmation, ${notice}`, aConfirmation({ client, notice })],
          [`confirmation, ${notice}, nobody`, aConfirmation({ account: undefined, notice })],
        ] as const,
    ),
    [
      'signed out',
      renderSignedOutPage({
        ...base,
        alreadySignedOut: false,
        applications: (['confirmed', 'asked', 'pending', 'unreachable'] as const).map((state) => ({
          name: text,
          state,
        })),
        continueTo: { url: `https://app.example/?x=${text}`, clientName: text },
      }),
    ],
    ['signed out, already', aSignedOut({ alreadySignedOut: true })],
    ['signed out, upstream', aSignedOut({ upstream })],
    [
      'signed out, upstream and onward',
      aSignedOut({ upstream, continueTo: { url: 'https://app.example/', clientName: text } }),
    ],
    ['signed out, upstream not linked', aSignedOut({ upstream: { name: text, url: text } })],
    ['signed out, everywhere', aSignedOut({ everywhere: true })],
    ['signed out of one alone', aSignedOut({ leftClient: { client, account } })],
    [
      'signed out, with frames',
      aSignedOut({
        applications: [{ name: text, state: 'asked' }],
        frames: [{ name: text, url: `https://wiki.example/out?x=${text}` }],
      }),
    ],
    [
      'signed out, with frames and onward',
      aSignedOut({
        frames: [{ name: text, url: `https://wiki.example/out?x=${text}` }],
        continueTo: { url: `https://app.example/?x=${text}`, clientName: text },
        onward: { url: `https://app.example/?x=${text}`, afterMs: 3000 },
      }),
    ],
    ['signed out, returned from upstream', aSignedOut({ returnedFromUpstream: text })],
    ['still signed in', renderStillSignedInPage({ ...base, account, client })],
    ['still signed in, bare', renderStillSignedInPage({ ...base, account: { login: text } })],
    [
      'sessions',
      aSessionsPage({
        csrf: text,
        account,
        endOthersAction: `/o?x=${text}`,
        signOutUrl: `/s?x=${text}`,
        sessions: [
          aSession(text, { device: text, address: text, applications: [text] }),
          aSession('here', { current: true, device: '', address: undefined, applications: [] }),
        ],
      }),
    ],
    ...(['session_ended', 'others_ended', 'nothing_to_end'] as const).map(
      (flash) =>
        [`sessions, ${flash}`, aSessionsPage({ sessions: [aSession('1', { current: true })], flash })] as const,
    ),
    ['error', renderErrorPage({ ...error, whatNow: text, code: text })],
    [
      'error, with ways on',
      renderErrorPage({
        ...error,
        ways: [
          { url: `https://app.example/?x=${text}`, label: text },
          { url: '/', label: 'Home' },
        ],
      }),
    ],
    ['error, bare', renderErrorPage(error)],
    [
      'form post',
      renderFormPostPage({
        ...base,
        action: `https://app.example/cb?x=${text}`,
        fields: { [text]: text, state: text },
      }),
    ],
    ['held back', renderHeldBackPage({ ...base, url: `https://app.example/cb?x=${text}`, description: text })],
    [
      'held back, to be posted',
      renderHeldBackPage({
        ...base,
        url: `https://app.example/cb?x=${text}`,
        description: text,
        fields: { [text]: text },
      }),
    ],
    ['onward', renderOnwardPage({ ...base, url: `https://app.example/cb?x=${text}` })],
    ['onward, to an application on this device', renderOnwardPage({ ...base, url: `com.example.app:/cb?x=${text}` })],
    ['onward, to a page of ours', renderOnwardPage({ ...base, url: `/interaction/1?x=${text}` })],
    [
      'home',
      renderHomePage({ ...base, issuer: 'https://id.example', docsUrl: `/d?x=${text}`, sessionsUrl: `/s?x=${text}` }),
    ],
    [
      'home, signed in',
      renderHomePage({
        ...base,
        issuer: text,
        docsUrl: '/docs',
        sessionsUrl: '/account/sessions',
        signedInAs: account,
      }),
    ],
  ];
}

describe.each(everyPage('plain', acme))('every page: %s', (_name, html) => {
  it('is one document with language, title, one h1 and one main landmark', () => {
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(html).toMatch(/<title>[^<]+ · Exeunt<\/title>/);
    expect(html.match(/<h1>/g)).toHaveLength(1);
    expect(html.match(/<main[ >]/g)).toHaveLength(1);
    expect(html).toContain('name="viewport" content="width=device-width, initial-scale=1"');
    expect(html).toContain('<meta name="color-scheme" content="light dark">');
  });

  it('obeys a policy of nonces: no inline styles or handlers, every style and script carries the nonce', () => {
    expect(html).not.toMatch(/<[^>]+\s(?:style|on\w+)=/);
    for (const [tag] of html.matchAll(/<(?:style|script)\b[^>]*>/g)) {
      expect(tag).toMatch(new RegExp(` nonce="${NONCE}">$`));
    }
  });

  it('loads nothing from elsewhere but the logo of the application, and the frames of front-channel logout', () => {
    expect(html).not.toMatch(/@import|url\(/);
    expect([...html.matchAll(/<link\b[^>]*href="([^"]*)"/g)].map((link) => link[1]?.slice(0, 5))).toEqual(['data:']);
    const unframed = html.replaceAll(/<iframe src="https:\/\/wiki\.example\/out\?x=[^"]*"/g, '');
    for (const [, source] of unframed.matchAll(/\ssrc="([^"]*)"/g)) expect(source).toBe(acme.logoUri);
  });

  it('ties every visible input to a label and every description to an element, with no id used twice', () => {
    const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of html.matchAll(/\s(?:for|aria-describedby|aria-labelledby)="([^"]+)"/g)) {
      expect(ids).toContain(id);
    }
    for (const input of visibleInputs(html)) expect(html).toContain(`<label for="${attribute(input, 'id')}">`);
  });

  it('has no input whose type is not said, so that none is overlooked', () => {
    for (const [input] of html.matchAll(/<input\b[^>]*>/g)) expect(input).toMatch(/\stype="[a-z]+"/);
  });

  it('protects every form of ours with the CSRF value', () => {
    const forms = [...html.matchAll(/<form [^>]*>[\s\S]*?<\/form>/g)].map(([markup]) => markup);
    for (const markup of forms.filter((candidate) => !candidate.includes('action="https://app.example/'))) {
      expect(markup).toMatch(/method="post"/);
      expect(markup).toMatch(/<input type="hidden" name="csrf" value="[^"]+">/);
    }
  });

  it('prints no missing value', () => {
    expect(html).not.toMatch(/undefined|\bnull\b|\bNaN\b|\[object/);
  });
});

describe.each(everyPage(ATTACK, { ...acme, name: ATTACK }))('markup in what comes from outside: %s', (_name, html) => {
  it('stays text', () => {
    expect(html).not.toContain('<script>');
    expect(html).not.toContain(ATTACK);
    expect(html.match(/<script\b/g)?.length ?? 0).toBe(/Taking you back|We take you on/.test(html) ? 1 : 0);
  });
});

const POISON = 'javascript:alert(document.domain)';
describe.each(
  everyPage('plain', { name: 'Acme', logoUri: POISON, clientUri: POISON, policyUri: POISON, tosUri: ` ${POISON}` }),
)('a javascript: address of a client: %s', (_name, html) => {
  it('is not rendered', () => {
    expect(html).not.toContain('javascript:');
  });
});

describe('the page that goes on', () => {
  it.each(['javascript:alert(1)', 'data:text/html,x', ' java\nscript:alert(1)'])('does not exist for %j', (url) => {
    expect(() => renderOnwardPage({ nonce: NONCE, url })).toThrow(TypeError);
  });

  it('shows its link late where a click could bring an answer twice, and at once where an app wants a click', () => {
    expect(renderOnwardPage({ nonce: NONCE, url: TRICKY })).toContain('class="actions late"');
    expect(renderOnwardPage({ nonce: NONCE, url: 'com.example.app:/cb' })).not.toContain('class="actions late"');
  });

  it('names the host, and takes not a byte of the address away', () => {
    const html = renderOnwardPage({ nonce: NONCE, url: TRICKY });
    expect(html).toContain('<strong>app.example</strong>');
    expect(decode(attribute(tagWithId(html, 'continue'), 'href'))).toBe(TRICKY);
  });
});

describe('sign-in', () => {
  it('lets password managers do their work', () => {
    const html = aSignIn({ login: 'ada' });
    expect(tagWithId(html, 'login')).toContain('name="login" value="ada" autocomplete="username"');
    expect(tagWithId(html, 'password')).toContain('name="password" autocomplete="current-password"');
    expect(tagWithId(html, 'login-submit')).toContain('type="submit"');
  });

  it.each([
    ['sign-in', aSignIn],
    ['consent', aConsent],
  ])(
    'links on the %s page to what the application has published, where it has, and to nothing else',
    (_page, render) => {
      const html = render({ client: acme });
      expect(attribute(tagWithId(html, 'client-policy'), 'href')).toBe('https://acme.example/privacy');
      expect(attribute(tagWithId(html, 'client-terms'), 'href')).toBe('https://acme.example/terms');
      const termsAlone = render({ client: { name: 'Acme', tosUri: acme.tosUri, policyUri: 'javascript:alert(1)' } });
      expect(termsAlone).not.toContain('client-policy');
      expect(attribute(tagWithId(termsAlone, 'client-terms'), 'href')).toBe('https://acme.example/terms');
      expect(render({ client: { name: 'Acme' } })).not.toContain('has published');
    },
  );

  it('never sends a password back', () => {
    expect(tagWithId(aSignIn({ login: 'ada', error: 'wrong_credentials' }), 'password')).not.toContain('value=');
  });

  it('puts the cursor where typing goes on', () => {
    expect(tagWithId(aSignIn(), 'login')).toContain(' autofocus');
    expect(tagWithId(aSignIn({ login: 'ada' }), 'password')).toContain(' autofocus');
  });

  it.each([
    ['wrong_credentials', 'do not belong together', true],
    ['too_many_attempts', 'wait about 5 minutes', false],
    ['busy', 'have not looked at your password', false],
    ['missing_fields', 'Please enter', true],
  ] as const)('announces %s', (error, words, invalid) => {
    const html = aSignIn({ error, retryAfterSeconds: 290 });
    expect(html).toContain('<title>Error: Sign in · Exeunt</title>');
    expect(html).toMatch(new RegExp(`<p class="alert" id="login-error" role="alert">[^<]*${words}`));
    for (const id of ['login', 'password']) {
      expect(tagWithId(html, id)).toContain(' aria-describedby="login-error"');
      expect(tagWithId(html, id).includes(' aria-invalid="true"')).toBe(invalid);
    }
  });

  it('blames only the empty field', () => {
    const html = aSignIn({ login: 'ada', error: 'missing_fields' });
    expect(tagWithId(html, 'login')).not.toContain('aria-invalid');
    expect(tagWithId(html, 'password')).toContain('aria-invalid');
  });

  it('asks the signed-in person to confirm, for that account only', () => {
    const html = aSignIn({ login: 'someone-else', reauthenticate: ada, client: acme });
    expect(html).toContain('<h1>Please confirm it is you</h1>');
    expect(tagWithId(html, 'login')).toMatch(/value="ada@example\.org".* readonly/s);
    expect(html).not.toContain('someone-else');
  });

  it('offers the way back in a form of its own', () => {
    const html = aSignIn({ client: acme, cancelAction: '/interaction/1/cancel' });
    expect(html).toMatch(/<form class="aside" method="post" action="\/interaction\/1\/cancel">/);
    expect(html).toMatch(/id="login-cancel" type="submit">Back to Acme Invoices</);
    expect(aSignIn()).not.toContain('login-cancel');
  });
});

describe('sign-in with an upstream provider', () => {
  const upstreams = [
    { name: 'Corporate SSO', url: TRICKY },
    { name: '\u202eUniversity\u202c', url: '/interaction/1/upstream/university' },
    { name: ' ', url: '/interaction/1/upstream/other' },
  ];

  it.each([
    [0, 'Corporate SSO', TRICKY],
    [1, 'University', '/interaction/1/upstream/university'],
    [2, 'the other provider', '/interaction/1/upstream/other'],
  ])('offers number %d as a link: Continue with %s', (index, name, url) => {
    const html = aSignIn({ upstreams });
    const link = tagWithId(html, `upstream-${index}`);
    expect(decode(attribute(link, 'href'))).toBe(url);
    expect(html).toContain(`${link}Continue with ${name}</a>`);
  });

  it('comes below the password form, in the order given, before the way back', () => {
    const html = aSignIn({ upstreams, cancelAction: '/cancel' });
    const order = ['login-submit', 'other-ways', 'upstream-0', 'upstream-1', 'upstream-2', 'login-cancel'];
    const places = order.map((id) => html.indexOf(`id="${id}"`));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  it('is also a way to confirm who is signed in', () => {
    const html = aSignIn({ upstreams, reauthenticate: ada });
    expect(html).toContain('>or sign in again with</p>');
    expect(tagWithId(html, 'upstream-0')).not.toBe('');
  });

  it('is not mentioned when there is none', () => {
    expect(aSignIn({ upstreams: [] })).not.toContain('or sign in with');
    expect(aSignIn()).not.toContain('or sign in with');
  });

  it.each([
    ['upstream_unavailable', 'Corporate SSO cannot be reached just now. Please try again, or sign in another way.'],
    ['upstream_refused', 'Corporate SSO did not sign you in. Please try again, or sign in another way.'],
    ['account_unusable', 'This account cannot be used here. Ask your administrator.'],
  ] as const)('announces %s without blaming a field', (error, words) => {
    const html = aSignIn({ error, upstreams, upstreamName: '\u202eCorporate SSO\u202c' });
    expect(html).toContain('<title>Error: Sign in · Exeunt</title>');
    expect(html).toContain(`role="alert">${words}</p>`);
    expect(html).not.toContain('aria-invalid="true"');
  });
});

describe('consent', () => {
  it('gives both answers the same weight', () => {
    const html = aConsent();
    const allow = tagWithId(html, 'consent-submit');
    const deny = tagWithId(html, 'consent-deny');
    expect(allow).toContain('name="decision" value="allow"');
    expect(deny).toContain('name="decision" value="deny"');
    expect(attribute(allow, 'class')).toBe(attribute(deny, 'class'));
  });

  it('says plainly, and once, that access outlives the sign-out', () => {
    const scopes = [{ name: 'offline_access', description: 'Access your data offline' }];
    const html = aConsent({ scopes, offlineAccess: true });
    expect(html.match(/data-scope="offline_access"/g)).toHaveLength(1);
    expect(html).toMatch(/also after you sign\s+out here/);
    expect(aConsent()).not.toMatch(/after you sign\s+out/);
  });
});

describe('logout confirmation', () => {
  it('carries the sealed request and both answers', () => {
    const html = aConfirmation({ request: TRICKY });
    expect(decode(/name="request" value="([^"]*)"/.exec(html)?.[1])).toBe(TRICKY);
    expect(tagWithId(html, 'logout-yes')).toContain('name="decision" value="logout"');
    expect(tagWithId(html, 'logout-no')).toContain('name="decision" value="stay"');
  });

  it.each([
    [0, 'nobody else to tell'],
    [1, '1 application has used it'],
    [3, '3 applications have used it'],
  ])('with %d applications says: %s', (applications, words) => {
    expect(aConfirmation({ applications })).toContain(words);
  });

  it('says where the browser goes, whichever the answer', () => {
    expect(aConfirmation({ returnsToClient: true, client: acme })).toContain('you then go back to Acme Invoices.');
    expect(aConfirmation({ returnsToClient: true })).toContain('go back to the application you came from.');
    expect(aConfirmation({ client: acme })).not.toContain('go back');
  });

  it.each([
    ['other_account', 'Acme Invoices asked about another account'],
    ['hint_mismatch', 'contradicts itself'],
    ['unknown_request', 'could not verify who asked'],
  ] as const)('explains %s', (notice, words) => {
    expect(aConfirmation({ notice, client: acme })).toContain(words);
  });

  it('leaves the upstream provider signed in unless the person ticks the box', () => {
    const html = aConfirmation({ upstream: { name: 'Corporate SSO' } });
    const box = tagWithId(html, 'logout-upstream');
    expect(box).toContain('type="checkbox"');
    expect(box).toContain('name="upstream" value="logout"');
    expect(box).not.toContain('checked');
    expect(html).toContain('Also sign out of Corporate SSO, with which you signed in</label>');
    expect(html).toMatch(/<form [^>]*>(?:(?!<\/form>)[\s\S])*id="logout-upstream"/);
    const hint = attribute(box, 'aria-describedby');
    expect(html).toContain(`id="${hint}">Otherwise the next sign-in here may need no password.</p>`);
  });

  it('asks about the upstream provider only when there is one and somebody is signed in', () => {
    expect(aConfirmation()).not.toContain('logout-upstream');
    expect(aConfirmation({ account: undefined, upstream: { name: 'Corporate SSO' } })).not.toContain('Corporate SSO');
  });

  it('offers to sign out of one application alone where it takes part, and of all devices to whoever is signed in', () => {
    const html = aConfirmation({ client: acme, mayLeaveClient: true });
    expect(html).toMatch(/id="logout-client"[^>]*value="client">Sign out of Acme Invoices only</);
    expect(html).toMatch(
      /id="logout-everywhere"[^>]*value="everywhere" aria-describedby="logout-everywhere-hint">Sign out of all my devices</,
    );
    expect(aConfirmation({ client: acme })).not.toContain('logout-client');
    expect(aConfirmation({ mayLeaveClient: true })).not.toContain('logout-client');
  });

  it('with nobody signed in leaves one button', () => {
    const html = aConfirmation({ account: undefined, client: acme, mayLeaveClient: true });
    expect(html).toContain('<h1>You are already signed out</h1>');
    expect(html.match(/<button/g)).toHaveLength(1);
    expect(html).toMatch(/id="logout-yes"[^>]*>Continue</);
  });
});

describe('signed out', () => {
  const applications = (['confirmed', 'confirmed', 'confirmed', 'confirmed', 'pending'] as const).map(
    (state, index) => ({
      name: `App ${index}`,
      state,
    }),
  );

  it('counts who has confirmed, never who was merely told', () => {
    const html = renderSignedOutPage({ nonce: NONCE, alreadySignedOut: false, applications });
    expect(html).toContain('<h1>Signed out</h1>');
    expect(html).toContain('4 of 5 applications have confirmed');
    expect(html).toContain('not confirmed yet, we keep trying');
    expect(html).toContain('we keep trying without it');
  });

  it('says of whom it asked in this browser that it asked, and counts none of them', () => {
    const html = aSignedOut({
      applications: [
        { name: 'Mail', state: 'confirmed' },
        { name: 'Wiki', state: 'asked' },
      ],
    });
    expect(html).toContain('1 of 1 application has confirmed that you are signed out there too.');
    expect(html).toContain('We asked 1 application in this browser to sign you out.');
    expect(html).toContain('asked in this browser; it has no way to confirm');
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', '/inside', 'com.example.app:/bye'])(
    'does not frame %s',
    (url) => {
      const html = aSignedOut({ frames: [{ name: 'Wiki', url }] });
      expect(html).not.toContain('<iframe');
      expect(html).not.toContain(url);
    },
  );

  it.each(['javascript:alert(1)', 'data:text/html,x', '/inside'])('does not go on to %s by itself', (url) => {
    const html = aSignedOut({ frames: [{ name: 'Wiki', url: 'https://wiki.example/' }], onward: { url, afterMs: 1 } });
    expect(html).toContain('<iframe');
    expect(html).not.toContain(url);
    expect(html).not.toContain('<script');
  });

  it('says whose session goes on when one application alone was left', () => {
    const html = aSignedOut({ leftClient: { client: acme, account: ada } });
    expect(html).toContain('<h1>Signed out of Acme Invoices</h1>');
    expect(html).toContain('You are still signed in here as Ada Lovelace');
    expect(html).not.toContain('has ended');
  });

  it('says who could not be reached, and what to do', () => {
    const html = renderSignedOutPage({
      nonce: NONCE,
      alreadySignedOut: false,
      applications: [{ name: 'Wiki', state: 'unreachable' }],
    });
    expect(html).toContain('0 of 1 application has confirmed');
    expect(html).toContain('could not be reached, please sign out there yourself');
  });

  it.each(['com.example.app:/bye?state=1', TRICKY])('continues to %s', (url) => {
    const continueTo = { url, clientName: 'Acme' };
    const html = renderSignedOutPage({ nonce: NONCE, alreadySignedOut: false, applications: [], continueTo });
    expect(decode(attribute(tagWithId(html, 'continue'), 'href'))).toBe(url);
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', '/inside'])('does not continue to %s', (url) => {
    const continueTo = { url, clientName: 'Acme' };
    const html = renderSignedOutPage({ nonce: NONCE, alreadySignedOut: true, applications: [], continueTo });
    expect(html).not.toContain(url);
    expect(html).toContain('You can close this page.');
  });

  it('says that the upstream provider may still know the browser, and leads to its sign-out', () => {
    const html = aSignedOut({ upstream: { name: 'Corporate SSO', url: TRICKY } });
    expect(html).toContain('You signed in with Corporate SSO and may still be signed in there.');
    const link = tagWithId(html, 'upstream-logout');
    expect(decode(attribute(link, 'href'))).toBe(TRICKY);
    expect(attribute(link, 'rel')).toBe('noreferrer');
    expect(html).toContain(`${link}Sign out of Corporate SSO too</a>`);
    expect(html).not.toContain('You can close this page');
  });

  it('leaves the way back to the application beside it', () => {
    const continueTo = { url: 'https://acme.example/bye', clientName: 'Acme' };
    const html = aSignedOut({ upstream: { name: 'Corporate SSO', url: 'https://sso.example/logout' }, continueTo });
    expect(attribute(tagWithId(html, 'upstream-logout'), 'class')).toBe('button plain');
    expect(attribute(tagWithId(html, 'continue'), 'class')).toBe('button');
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', '/inside'])('does not lead upstream by %s', (url) => {
    const html = aSignedOut({ upstream: { name: 'Corporate SSO', url } });
    expect(html).not.toContain(url);
    expect(html).not.toContain('upstream-logout');
    expect(html).toContain('may still be signed in there');
  });

  it.each([false, true])('back from the upstream provider claims no more than that (already: %s)', (already) => {
    const html = aSignedOut({ alreadySignedOut: already, returnedFromUpstream: 'Corporate SSO' });
    expect(html).toContain('You are signed out here, and Corporate SSO sent you back after its own sign-out.');
    expect(html).not.toContain('this browser');
    expect(html).toContain('You can close this page.');
  });
});

describe('sessions', () => {
  it('shows this browser first, without a button that ends it', () => {
    const html = aSessionsPage();
    expect(html.indexOf('This browser')).toBeLessThan(html.indexOf('Chrome on Android'));
    expect(html.match(/data-testid="end-session"/g)).toHaveLength(1);
    expect(html).toContain('action="/account/sessions/other/end"');
    expect(html).not.toContain('action="/account/sessions/here/end"');
    expect(html).toContain('id="sign-out" href="/session/end_session"');
  });

  it('offers to end the others only when there are others', () => {
    expect(tagWithId(aSessionsPage(), 'end-others')).toContain('type="submit"');
    expect(aSessionsPage({ sessions: [aSession('1', { current: true })] })).not.toContain('end-others');
  });

  it('tells times to machines and to people', () => {
    expect(aSessionsPage()).toMatch(/<time\s+datetime="2026-09-03T17:40:00\.000Z">3 September 2026, 17:40 UTC<\/time>/);
  });

  it('announces what was just done', () => {
    expect(aSessionsPage({ flash: 'others_ended' })).toMatch(/role="status">All other sessions have ended\./);
  });
});

describe('error', () => {
  it('gives the reference to pass on', () => {
    const html = renderErrorPage({
      nonce: NONCE,
      status: 400,
      title: 'This link does not work',
      message: 'It is too old.',
      requestId: 'req-1',
      code: 'invalid_request',
    });
    expect(html).toContain('<code>req-1</code>');
    expect(html).toContain('<code>400 invalid_request</code>');
  });
});

describe('form post (OAuth 2.0 Form Post Response Mode 1.0)', () => {
  const fields = { code: TRICKY, state: ` '"<&>&quot; `, submit: 'a field that hides form.submit' };
  const html = renderFormPostPage({ nonce: NONCE, action: TRICKY, fields });

  it('carries target and fields unchanged', () => {
    const inputs = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
    expect(Object.fromEntries(inputs.map(([, name, value]) => [decode(name), decode(value)]))).toEqual(fields);
    expect(decode(/<form method="post" action="([^"]*)">/.exec(html)?.[1])).toBe(TRICKY);
  });

  it('works without a script, by a button that adds nothing to the answer', () => {
    expect(html).toMatch(/<button class="button" type="submit">Continue<\/button>/);
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', 'com.example.app:/cb', '/cb'])(
    'refuses the target %s',
    (action) => {
      expect(() => renderFormPostPage({ nonce: NONCE, action, fields })).toThrow(TypeError);
    },
  );
});

it('home: links the discovery document of the issuer', () => {
  const home = { nonce: NONCE, docsUrl: '/docs', sessionsUrl: '/account/sessions' };
  for (const issuer of ['https://id.example/tenant', 'https://id.example/tenant/']) {
    expect(renderHomePage({ ...home, issuer })).toContain(
      'href="https://id.example/tenant/.well-known/openid-configuration"',
    );
  }
});

function tagWithId(html: string, id: string): string {
  return new RegExp(`<[a-z]+ [^>]*\\bid="${id}"[^>]*>`).exec(html)?.[0] ?? '';
}

/** Inputs that a person fills in, wherever their attributes stand. */
function visibleInputs(html: string): string[] {
  return [...html.matchAll(/<input\b[^>]*>/g)]
    .map(([input]) => input)
    .filter((input) => !['hidden', 'submit', 'button'].includes(attribute(input, 'type') ?? ''));
}

function attribute(tag: string, name: string): string | undefined {
  return new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
}

/** As an HTML parser reads an attribute value. */
function decode(value: string | undefined): string | undefined {
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return value?.replace(/&(amp|lt|gt|quot|#39);/g, (_entity, name: string) => entities[name] ?? '');
}
