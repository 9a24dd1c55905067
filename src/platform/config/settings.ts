import { availableParallelism } from 'node:os';
import { DAY, SECOND } from '../clock/durations.js';
import { parseNetworkList, type NetworkRule } from './network-rule.js';
import { SettingsReader, type Environment } from './settings-reader.js';
import { readTracing, type TracingSettings } from './tracing-settings.js';

/** Who may register clients at `/register` (RFC 7591 §3). */
export type RegistrationPolicy = 'token' | 'open' | 'off';

/**
 * How much replication an answer "it is over" waits for: `local` for none, `replicated` for the standbys that the cluster
 * waits for when it waits for any.
 */
export const LOGOUT_DURABILITIES = ['local', 'replicated'] as const;
export type LogoutDurability = (typeof LOGOUT_DURABILITIES)[number];

/** How much the log says: each level says what those before it say, too. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevelName = (typeof LOG_LEVELS)[number];

/**
 * Everything an operator can set, parsed once at start. A value that cannot be used stops the start with the name of
 * the variable (see {@link loadSettings}). Durations are milliseconds unless the name says otherwise.
 */
export interface Settings {
  readonly production: boolean;
  readonly logLevel: LogLevelName;
  /** The log has a line for each request. */
  readonly logRequests: boolean;
  readonly port: number;
  readonly host: string;
  /** How many processes serve on one port; 1: this one alone. */
  readonly workers: number;
  /** The issuer identifier: the only base of every URL we publish. Never taken from `Host`. */
  readonly issuer: string;
  /** Postgres to use; `undefined` starts the embedded one in {@link dataDir}. */
  readonly databaseUrl: string | undefined;
  /**
   * Postgres itself, where {@link databaseUrl} leads to a pooler in transaction mode: for what needs a session.
   */
  readonly databaseDirectUrl: string | undefined;
  /** A standby that lists for operators may be read from. */
  readonly databaseReplicaUrl: string | undefined;
  readonly databasePoolSize: number;
  /** How long a start waits for a database that cannot be reached. */
  readonly databaseWaitMs: number;
  /** What an answer "it is over" waits for; undefined: for what the cluster is set up to wait for. */
  readonly logoutDurability: LogoutDurability | undefined;
  readonly dataDir: string;
  /** Encrypts signing keys at rest and seals form state. Required in production. */
  readonly secret: string | undefined;
  /** The secret that `secret` is being changed to (`keys:rotate --secret`). */
  readonly nextSecret: string | undefined;
  readonly adminClientId: string | undefined;
  readonly adminClientSecret: string | undefined;
  readonly registration: RegistrationPolicy;
  /** Swagger UI and the API document are served. */
  readonly docs: boolean;
  readonly initialAccessToken: string | undefined;
  readonly allowInsecureRedirectUris: boolean;
  readonly trustProxy: string | undefined;
  readonly egressAllow: readonly NetworkRule[];
  readonly sessionTtlMs: number;
  readonly sessionIdleMs: number;
  /** How often this node looks for sessions that have expired; 0: never. */
  readonly sessionExpirySweepMs: number;
  /** A sign-in beyond it ends the least recently seen session of the account; 0: no limit. */
  readonly maxSessionsPerAccount: number;
  readonly codeTtlSeconds: number;
  readonly accessTokenTtlSeconds: number;
  readonly idTokenTtlSeconds: number;
  /** What ID tokens say about the person, for clients that are not registered with a choice of their own. */
  readonly idTokenClaims: 'scope' | 'conform';
  readonly refreshTokenTtlSeconds: number;
  readonly refreshGraceMs: number;
  readonly logoutWaitMs: number;
  /** How long the signed-out page waits for the applications that it asks in frames. */
  readonly frontChannelWaitMs: number;
  readonly deliveryTimeoutMs: number;
  readonly deliveryMaxAgeMs: number;
  readonly deliveryPollMs: number;
  /** How often this process issues pending receipts; 0: never, another one does. */
  readonly receiptPollMs: number;
  /** After how many failures in a row an application's notices wait, and one at a time goes through to see. */
  readonly deliveryBreakerFailures: number;
  /** Notices per second to one application that a logout order sends, unless it says otherwise. */
  readonly logoutOrderNotifyPerSecond: number;
  readonly shutdownTimeoutMs: number;
  /** How long an idle connection is kept: above what load balancers in front of us do. */
  readonly keepAliveTimeoutMs: number;
  readonly keyRotationDays: number;
  readonly keyPublishLeadMs: number;
  readonly signInAccountFailures: number;
  readonly signInAddressPerMinute: number;
  /**
   * Rows that one address may leave a minute without a proof of who is there: of sign-ins that are too long for an address,
   * are refused, or leave for another provider.
   */
  readonly authorizePerMinute: number;
  /** Registrations that one address may send a minute. */
  readonly registrationPerMinute: number;
  /** After this, a client that registered itself and never got a token is removed; 0: never. */
  readonly unusedClientMs: number;
  /** Wrong client secrets and assertions a minute, for one client from one address. */
  readonly clientAuthenticationFailuresPerMinute: number;
  /** Whether the Elasticsearch dialect refuses `access_token` for `token`, as the original does. */
  readonly elasticsearchStrict: boolean;
  /** Whether the CSP dialect ends the session itself, besides handing out a URL. */
  readonly cspLogoutEndsSession: boolean;
  readonly cspLogoutPerMinute: number;
  readonly upstreamTimeoutMs: number;
  /**
   * Whether a logout token that was carried out before is answered 200, for providers that repeat after a lost answer.
   */
  readonly acceptRepeatedLogoutTokens: boolean;
  /** Whether a client's assertion may be meant for the token endpoint, or for several, as older libraries write it. */
  readonly acceptAssertionsForEndpoint: boolean;
  /** No client may send a browser with a request of its own (RFC 9126 §5). */
  readonly requirePushedRequests: boolean;
  readonly backchannelLogoutPerMinute: number;
  /** The bearer token that `/metrics` requires, when set. */
  readonly metricsToken: string | undefined;
  /** Undefined: no traces. */
  readonly tracing: TracingSettings | undefined;
}

/** Nest's injection token for {@link Settings}. */
export const SETTINGS = Symbol('Settings');

const MAX_WORKERS = 256;
const SECRETS = [
  'EXEUNT_SECRET',
  'EXEUNT_ADMIN_CLIENT_SECRET',
  'EXEUNT_INITIAL_ACCESS_TOKEN',
  'METRICS_TOKEN',
] as const;

/**
 * Reads the settings from the environment.
 *
 * @throws SettingsError that lists every bad value by the name of its variable.
 */
export function loadSettings(env: Environment = process.env): Settings {
  const read = new SettingsReader(env);
  const production = env.NODE_ENV === 'production';
  const port = read.integer('PORT', 3000, { min: 1, max: 65535 });
  const issuer = read.issuer('ISSUER', `http://localhost:${port}`);
  const secret = read.text('EXEUNT_SECRET', { minLength: 32 });
  const settings: Settings = {
    production,
    logLevel: read.oneOf('LOG_LEVEL', LOG_LEVELS, 'info'),
    logRequests: read.oneOf('LOG_REQUESTS', ['on', 'off'], 'off') === 'on',
    port,
    host: read.text('HOST') ?? (production ? '0.0.0.0' : '127.0.0.1'),
    workers: read.parsed('WORKERS', parseWorkers, 1),
    issuer,
    databaseUrl: read.postgresUrl('DATABASE_URL'),
    databaseDirectUrl: read.postgresUrl('DATABASE_DIRECT_URL'),
    databaseReplicaUrl: read.postgresUrl('DATABASE_REPLICA_URL'),
    databasePoolSize: read.integer('DATABASE_POOL_SIZE', 10, { min: 2, max: 500 }),
    databaseWaitMs: read.integer('DATABASE_WAIT_SECONDS', 30, { min: 0, max: 3600 }) * SECOND,
    logoutDurability: read.oneOf('LOGOUT_DURABILITY', LOGOUT_DURABILITIES, undefined),
    dataDir: read.text('EXEUNT_DATA_DIR') ?? './.exeunt',
    secret,
    nextSecret: read.text('EXEUNT_NEXT_SECRET', { minLength: 32 }),
    adminClientId: read.text('EXEUNT_ADMIN_CLIENT_ID'),
    adminClientSecret: read.text('EXEUNT_ADMIN_CLIENT_SECRET', { minLength: 16 }),
    registration: read.oneOf('EXEUNT_REGISTRATION', ['token', 'open', 'off'], 'token'),
    docs: read.oneOf('EXEUNT_DOCS', ['on', 'off'], production ? 'off' : 'on') === 'on',
    initialAccessToken: read.text('EXEUNT_INITIAL_ACCESS_TOKEN', { minLength: 16 }),
    allowInsecureRedirectUris: read.flag('EXEUNT_ALLOW_HTTP_REDIRECTS', false),
    trustProxy: read.text('EXEUNT_TRUST_PROXY'),
    egressAllow: read.parsed('EXEUNT_EGRESS_ALLOW', parseNetworkList, []),
    sessionTtlMs: read.integer('SESSION_TTL_SECONDS', 14 * 86400, { min: 60 }) * SECOND,
    sessionIdleMs: read.integer('SESSION_IDLE_SECONDS', 2 * 86400, { min: 60 }) * SECOND,
    sessionExpirySweepMs: read.integer('SESSION_EXPIRY_SWEEP_SECONDS', 15, { min: 0, max: 3600 }) * SECOND,
    maxSessionsPerAccount: read.integer('MAX_SESSIONS_PER_ACCOUNT', 0, { min: 0, max: 1000 }),
    codeTtlSeconds: read.integer('CODE_TTL_SECONDS', 60, { min: 5, max: 600 }),
    accessTokenTtlSeconds: read.integer('ACCESS_TOKEN_TTL_SECONDS', 600, { min: 10, max: 86400 }),
    idTokenTtlSeconds: read.integer('ID_TOKEN_TTL_SECONDS', 3600, { min: 10, max: 86400 }),
    idTokenClaims: read.oneOf('EXEUNT_ID_TOKEN_CLAIMS', ['scope', 'conform'], 'scope'),
    refreshTokenTtlSeconds: read.integer('REFRESH_TOKEN_TTL_SECONDS', 30 * 86400, { min: 60 }),
    refreshGraceMs: read.integer('REFRESH_GRACE_SECONDS', 300, { min: 0, max: 600 }) * SECOND,
    logoutWaitMs: read.integer('LOGOUT_WAIT_MS', 2000, { min: 0, max: 30000 }),
    frontChannelWaitMs: read.integer('FRONT_CHANNEL_WAIT_MS', 3000, { min: 0, max: 30000 }),
    deliveryTimeoutMs: read.integer('DELIVERY_TIMEOUT_MS', 5000, { min: 100, max: 60000 }),
    deliveryMaxAgeMs: read.integer('DELIVERY_MAX_AGE_SECONDS', 86400, { min: 1 }) * SECOND,
    deliveryPollMs: read.integer('DELIVERY_POLL_MS', 1000, { min: 50, max: 60000 }),
    receiptPollMs: read.integer('RECEIPT_POLL_MS', 1000, { min: 0, max: 60000 }),
    deliveryBreakerFailures: read.integer('DELIVERY_BREAKER_FAILURES', 5, { min: 1, max: 1000 }),
    logoutOrderNotifyPerSecond: read.integer('LOGOUT_ORDER_NOTIFY_PER_SECOND', 50, { min: 1, max: 10000 }),
    shutdownTimeoutMs: read.integer('SHUTDOWN_TIMEOUT_MS', 10000, { min: 0, max: 120000 }),
    keepAliveTimeoutMs: read.integer('KEEP_ALIVE_TIMEOUT_SECONDS', 65, { min: 1, max: 3600 }) * SECOND,
    keyRotationDays: read.integer('KEY_ROTATION_DAYS', 90, { min: 0, max: 3650 }),
    keyPublishLeadMs: read.integer('KEY_PUBLISH_LEAD_SECONDS', DAY / SECOND, { min: 0 }) * SECOND,
    signInAccountFailures: read.integer('SIGN_IN_ACCOUNT_FAILURES', 20, { min: 3 }),
    signInAddressPerMinute: read.integer('SIGN_IN_ADDRESS_PER_MINUTE', 600, { min: 10 }),
    authorizePerMinute: read.integer('AUTHORIZE_PER_MINUTE', 600, { min: 1 }),
    registrationPerMinute: read.integer('REGISTRATION_PER_MINUTE', 60, { min: 1 }),
    unusedClientMs: read.integer('UNUSED_CLIENT_DAYS', 30, { min: 0, max: 3650 }) * DAY,
    clientAuthenticationFailuresPerMinute: read.integer('CLIENT_AUTHENTICATION_FAILURES_PER_MINUTE', 20, { min: 1 }),
    elasticsearchStrict: read.flag('ELASTICSEARCH_STRICT', false),
    cspLogoutEndsSession: read.flag('CSP_LOGOUT_ENDS_SESSION', true),
    cspLogoutPerMinute: read.integer('CSP_LOGOUT_PER_MINUTE', 600, { min: 1 }),
    upstreamTimeoutMs: read.integer('UPSTREAM_TIMEOUT_MS', 5000, { min: 100, max: 60000 }),
    acceptRepeatedLogoutTokens: read.flag('ACCEPT_REPEATED_LOGOUT_TOKENS', false),
    acceptAssertionsForEndpoint: read.flag('ACCEPT_ASSERTIONS_FOR_ENDPOINT', false),
    requirePushedRequests: read.flag('REQUIRE_PUSHED_AUTHORIZATION_REQUESTS', false),
    backchannelLogoutPerMinute: read.integer('BACKCHANNEL_LOGOUT_PER_MINUTE', 6000, { min: 1 }),
    metricsToken: read.text('METRICS_TOKEN', { minLength: 16 }),
    tracing: readTracing(read),
  };
  if (settings.metricsToken !== undefined && !/^[A-Za-z0-9\-._~+/]+=*$/.test(settings.metricsToken)) {
    read.problem('METRICS_TOKEN', 'must consist of the characters of a bearer token: A-Z a-z 0-9 - . _ ~ + / =');
  }
  if (production && !isHttpsOrLoopback(issuer)) {
    read.problem('ISSUER', 'must be an https URL (or a loopback one) when NODE_ENV=production');
  }
  if (production && secret === undefined) {
    read.problem('EXEUNT_SECRET', 'is required when NODE_ENV=production (32 characters or more)');
  }
  if (production) {
    for (const name of SECRETS) {
      if (/^change-?me/i.test(env[name]?.trim() ?? ''))
        read.problem(name, 'is the example that everybody can read: set a secret of your own');
    }
  }
  if (settings.databaseDirectUrl !== undefined && settings.databaseUrl === undefined) {
    read.problem('DATABASE_URL', 'is required when DATABASE_DIRECT_URL is set');
  }
  if (settings.adminClientSecret !== undefined && settings.adminClientId === undefined) {
    read.problem('EXEUNT_ADMIN_CLIENT_ID', 'is required when EXEUNT_ADMIN_CLIENT_SECRET is set');
  }
  read.throwOnProblems();
  return settings;
}

/** `WORKERS`: a number, or as many as there are cores for this process. @throws with what it must be */
function parseWorkers(text: string): number {
  if (text === 'auto') return availableParallelism();
  const workers = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (workers < 1 || workers > MAX_WORKERS) throw new Error(`must be auto, or a whole number from 1 to ${MAX_WORKERS}`);
  return workers;
}

/**
 * Whether the issuer itself is on loopback: then outgoing requests may reach loopback too
 * (docs/threat-model.md#inner-addresses).
 */
export function isLoopbackIssuer(issuer: string): boolean {
  const { hostname } = new URL(issuer);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function isHttpsOrLoopback(issuer: string): boolean {
  return issuer.startsWith('https://') || isLoopbackIssuer(issuer);
}
