/** Of any provider, below its issuer (Discovery 1.0 §4). */
export const OPENID_CONFIGURATION = '/.well-known/openid-configuration';

/**
 * The paths of this provider, each written once: for routes that are announced, forms, links, redirects and addresses that
 * others are given. Fixed, since they are registered at applications and at other providers.
 */
export const PATHS = {
  home: '/',
  authorization: '/authorize',
  /** RFC 9126 §2 */
  pushedAuthorization: '/par',
  token: '/token',
  userinfo: '/userinfo',
  jwks: '/jwks',
  registration: '/register',
  revocation: '/revoke',
  introspection: '/introspect',
  wellKnown: '/.well-known',
  openidConfiguration: OPENID_CONFIGURATION,
  /** RFC 8414 §3 */
  authorizationServerMetadata: '/.well-known/oauth-authorization-server',
  /** RP-Initiated Logout 1.0 §2 */
  endSession: '/session/end_session',
  /** Session Management 1.0 §3.2 */
  checkSession: '/session/check_session',
  signedOut: '/session/signed-out',
  interaction: '/interaction',
  upstreams: '/upstreams',
  backchannelLogout: '/api/v1/auth/oidc/backchannel-logout',
  account: '/account',
  sessions: '/account/sessions',
  applications: '/account/applications',
  console: '/console',
  consoleSignIn: '/console/sign-in',
  consoleClientSignIn: '/console/client-sign-in',
  consoleSignOut: '/console/sign-out',
  consoleLogouts: '/console/logouts',
  admin: '/admin',
  docs: '/docs',
  health: '/health',
  metrics: '/metrics',
} as const;

/** Whether a path is the given one, or below it. */
export function isAtOrBelow(path: string, base: string): boolean {
  return path === base || path.startsWith(`${base}/`);
}

/** The page of an interaction. */
export function interactionPath(id: string): string {
  return `${PATHS.interaction}/${encodeURIComponent(id)}`;
}

/** The absolute URLs of this provider, under its issuer: what it announces (Discovery 1.0 §3) and hands out. */
export class Endpoints {
  constructor(private readonly issuer: string) {}

  url(name: keyof typeof PATHS): string {
    return `${this.issuer}${PATHS[name]}`;
  }

  /** Where the client manages its own registration (RFC 7592 §3). */
  registrationOf(clientId: string): string {
    return `${this.url('registration')}/${encodeURIComponent(clientId)}`;
  }

  /** The redirect URI that is registered at another provider. */
  upstreamCallback(upstream: string): string {
    return `${this.url('upstreams')}/${upstream}/callback`;
  }

  /** The post-logout redirect URI that is registered at another provider. */
  upstreamSignedOut(upstream: string): string {
    return `${this.url('upstreams')}/${upstream}/signed-out`;
  }
}
