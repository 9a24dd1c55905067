/** The import rules of the project. Each says why; `npm run imports:check` enforces them. */

const from = (folder) => ({ path: `^src/${folder}/`, pathNot: '\\.spec\\.ts$' });
const ours = '^src/';

/** A module that may import, of ours, only what `allowed` matches (and itself). */
const only = (name, folder, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: from(folder),
  to: { path: ours, pathNot: [`^src/${folder}/`, ...allowed] },
});

const VOCABULARY = '^src/oidc/';
const CONFIG = '^src/config/';
const DATABASE = '^src/database/(?!embedded/|entities/)';
const FOUNDATION = [VOCABULARY, CONFIG, DATABASE];
/** Shared by controllers and nothing else. */
const HTTP = '^src/http/';
/** What an order ends asks the orders; the file imports nothing, so there is no way back up. */
const ORDERS_SQL = '^src/logout/orders/orders\\.sql\\.ts$';
/** For whom another provider may vouch is asked where sessions and grants are; imports nothing either. */
const UPSTREAMS_SQL = '^src/upstreams/upstreams\\.sql\\.ts$';
const PAGES = '^src/pages/';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle has no bottom to start reading from.',
      severity: 'error',
      from: { path: ours },
      to: { circular: true, viaOnly: { pathNot: 'type-only' } },
    },
    only('oidc-is-a-leaf', 'oidc', [], 'The vocabulary imports nothing of ours, so everything may import it.'),
    only('config-is-a-leaf', 'config', [], 'Settings are read before anything else exists.'),
    only('pages-are-a-leaf', 'pages', [], 'A page turns a view into HTML and decides nothing.'),
    only(
      'database-knows-config',
      'database',
      [CONFIG],
      'The database module knows no table; each module writes its own SQL.',
    ),
    only(
      'egress-knows-config',
      'egress',
      [CONFIG],
      'The guarded HTTP client knows rules about addresses, not what is sent.',
    ),
    only('keys-know-nobody', 'keys', FOUNDATION, 'Keys know nobody above them.'),
    only('rate-limits-know-nobody', 'rate-limits', FOUNDATION, 'They count; what is counted is the caller’s business.'),
    only('audit-knows-nobody', 'audit', FOUNDATION, 'The record knows nothing of what it records.'),
    only(
      'metrics-know-nobody',
      'metrics',
      [...FOUNDATION, HTTP],
      'Counters know nothing of what they count; only their route knows HTTP.',
    ),
    only(
      'accounts-know-nobody',
      'accounts',
      [...FOUNDATION, '^src/(audit|metrics|rate-limits)/'],
      'Accounts know nobody above them; sign-ins are limited, counted and put on record.',
    ),
    only(
      'clients-know-egress',
      'clients',
      [...FOUNDATION, '^src/(audit|egress|metrics|rate-limits)/'],
      'The registry knows nobody above it; keys of clients are fetched through the guard, and wrong proofs are counted.',
    ),
    only(
      'sessions-know-accounts-sql',
      'sessions',
      [
        ...FOUNDATION,
        '^src/accounts/(accounts\\.sql|account)\\.ts$',
        '^src/clients/clients\\.sql\\.ts$',
        ORDERS_SQL,
        UPSTREAMS_SQL,
      ],
      'A session needs to know what a usable account is when a client goes and how it hears of an end, and nothing else of them.',
    ),
    only(
      'tokens-know-what-is-below',
      'tokens',
      [
        ...FOUNDATION,
        HTTP,
        '^src/(accounts/accounts\\.sql|sessions/(sessions\\.(sql|service|module)|session))\\.ts$',
        '^src/(clients|keys)/',
        ORDERS_SQL,
        UPSTREAMS_SQL,
      ],
      'Tokens ask whether a session is alive and who a client is; nothing above them.',
    ),
    only(
      'logout-knows-what-is-below',
      'logout',
      [
        ...FOUNDATION,
        '^src/(audit|clients|keys|egress|metrics|rate-limits|tokens)/',
        '^src/sessions/(sessions\\.(sql|module)|session|session-limit)\\.ts$',
      ],
      'The domain of ending things uses what it ends and knows no HTTP and no dialect.',
    ),
    only(
      'upstreams-know-what-is-below',
      'upstreams',
      [
        ...FOUNDATION,
        '^src/(accounts|audit|clients|egress|keys|tokens)/',
        '^src/sessions/(sessions\\.(service|module)|session)\\.ts$',
      ],
      'Other providers vouch for people; what ends when, and how somebody asks, is decided above them.',
    ),
    {
      name: 'dialects-stay-at-the-edge',
      comment: 'A dialect changes state only through LogoutService: no table, no storage.',
      severity: 'error',
      from: { path: '^src/dialects/[^/]+/' },
      to: {
        path: '^src/database/|/entities/|\\.repository\\.ts$|\\.sql\\.ts$|^src/(admin|self-service|authorization)/',
      },
    },
    {
      name: 'dialects-do-not-know-each-other',
      comment: 'What two dialects need belongs to oidc, clients or tokens.',
      severity: 'error',
      from: { path: '^src/dialects/([^/]+)/' },
      to: { path: '^src/dialects/([^/]+)/', pathNot: '^src/dialects/$1/' },
    },
    {
      name: 'entities-stay-inside',
      comment: 'Rows and repositories are a module’s own; others get its types and services.',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: '/entities/|\\.repository\\.ts$', pathNot: ['^src/$1/', '^src/logout/.*\\.repository\\.ts$'] },
    },
    {
      name: 'repositories-of-logout-only-as-types',
      comment: 'The operator API shows the ledger’s types; it never calls its repositories.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/logout/' },
      to: { path: '^src/logout/.*\\.repository\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'http-is-for-controllers',
      comment: 'Services and repositories know nothing of requests and responses.',
      severity: 'error',
      from: {
        path: '^src/(?!http/|app\\.|openapi|shutdown)',
        pathNot: '(\\.controller|\\.filter|\\.pipe|\\.guard|\\.middleware|\\.module|-answer)\\.ts$|\\.spec\\.ts$',
      },
      to: { path: HTTP },
    },
    {
      name: 'pages-are-for-edges',
      comment: 'HTML is made at the edge.',
      severity: 'error',
      from: { path: '^src/(database|keys|accounts|clients|sessions|tokens|logout|egress|oidc|config)/' },
      to: { path: PAGES },
    },
    {
      name: 'no-dev-dependencies-in-the-service',
      comment: 'What the service imports must be there when it is installed without development dependencies.',
      severity: 'error',
      from: { path: ours, pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-unlisted-dependencies',
      comment: 'Every package that is imported stands in package.json.',
      severity: 'error',
      from: { path: ours },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    exclude: { path: '\\.d\\.ts$' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
