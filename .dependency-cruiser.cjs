/** The import rules of the project. Each says why; `npm run imports:check` enforces them. */

const ours = '^src/';
const specs = '\\.spec\\.ts$';

/** A folder that may import, of ours, only what `allowed` matches (and itself). */
const only = (name, folder, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: `^src/${folder}/`, pathNot: specs },
  to: { path: ours, pathNot: [`^src/${folder}/`, ...allowed] },
});

/** A folder of the platform that may import only the folders of the platform that are named. */
const platform = (folder, allowed, comment) =>
  only(
    `platform-${folder}`,
    `platform/${folder}`,
    allowed.map((name) => `^src/platform/${name}/`),
    comment,
  );

/** A folder of the domain: the whole platform, and the folders of the domain that are named. */
const domain = (folder, allowed, comment) =>
  only(
    `domain-${folder}`,
    `domain/${folder}`,
    ['^src/platform/', ...allowed.map((name) => `^src/domain/${name}`)],
    comment,
  );

module.exports = {
  forbidden: [
    // Three storeys: web → domain → platform.
    {
      name: 'platform-is-below',
      comment: 'Plumbing and vocabulary know neither the rules nor HTTP.',
      severity: 'error',
      from: { path: '^src/platform/' },
      to: { path: ours, pathNot: '^src/platform/' },
    },
    {
      name: 'domain-knows-no-web',
      comment: 'The rules know no HTTP and no HTML, so a job, a command and an edge call them alike.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { path: ours, pathNot: '^src/(domain|platform)/' },
    },
    {
      name: 'domain-imports-no-http',
      comment: 'What knows requests and responses belongs to the web.',
      severity: 'error',
      from: { path: '^src/(domain|platform)/' },
      to: { path: 'node_modules/(express|@nestjs/platform-express|eta)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'web-is-above',
      comment: 'Only the application and its commands know the web.',
      severity: 'error',
      from: { path: '^src/web/' },
      to: { path: ours, pathNot: '^src/(web|domain|platform)/' },
    },
    {
      name: 'no-cycles',
      comment: 'A cycle has no bottom to start reading from.',
      severity: 'error',
      from: { path: ours },
      to: { circular: true, viaOnly: { pathNot: 'type-only' } },
    },

    // The platform, from the ground up.
    platform('oidc', [], 'The vocabulary of the specifications imports nothing of ours, so everything may import it.'),
    platform('clock', [], 'The time of day needs nothing.'),
    platform('later', [], 'When a package is imported has nothing to do with what it is for.'),
    platform('cache', ['clock'], 'It keeps values by age, and knows nothing of them.'),
    platform('config', ['clock'], 'Settings are read before anything else exists but the names of durations.'),
    platform('epochs', [], 'SQL that asks the orders; imports nothing, so every statement may ask.'),
    platform(
      'requests',
      [],
      'What is known of a request that is being handled; imports nothing, so everything may ask.',
    ),
    platform('logging', ['config', 'database', 'requests'], 'The log masks what storage and settings must not tell.'),
    platform('tracing', ['config', 'requests'], 'Spans know nothing of what they are about.'),
    platform(
      'database',
      ['clock', 'config', 'requests', 'tracing'],
      'It knows no table; each folder of the domain writes its own SQL.',
    ),
    platform(
      'egress',
      ['config', 'later', 'tracing'],
      'The guarded HTTP client knows rules about addresses, not what is sent.',
    ),
    platform('keys', ['cache', 'clock', 'config', 'database', 'oidc'], 'Keys know nothing of what they sign.'),
    platform('rate-limits', ['clock', 'config', 'database', 'oidc'], 'They count; what is counted is the caller’s.'),
    platform('audit', ['clock', 'config', 'database', 'oidc'], 'The record knows nothing of what it records.'),
    platform('metrics', ['clock', 'config', 'database', 'oidc'], 'Counters know nothing of what they count.'),

    // The domain, from the ground up.
    domain('accounts', [], 'Accounts know nothing above them.'),
    domain('clients', [], 'The registry knows nothing above it.'),
    domain(
      'sessions',
      ['(accounts|clients|interactions|upstreams)/[^/]+\\.sql\\.ts$', 'accounts/account\\.ts$'],
      'A session asks in SQL what a usable account is, how a client is notified, for whom an upstream vouches, and writes the row of the interaction that it begins in.',
    ),
    domain(
      'tokens',
      ['(accounts|consents|interactions|upstreams)/[^/]+\\.sql\\.ts$', 'clients/', 'sessions/'],
      'Tokens ask whether a session is alive and who a client is, and in SQL what a code rests on and answers; nothing above them.',
    ),
    domain(
      'upstreams',
      ['(accounts|clients|sessions|tokens)/'],
      'Other providers vouch for people; what ends when is decided above.',
    ),
    domain(
      'logout',
      ['(clients|sessions|tokens)/'],
      'It ends sessions and grants; why is the business of those who call.',
    ),
    domain(
      'consents',
      ['(accounts|clients|interactions/authorization-request\\.ts)'],
      'What a person permitted an application.',
    ),
    domain(
      'interactions',
      ['(clients|consents|sessions|tokens|upstreams)/'],
      'An authorization request that waits for a person, and the decision at its end.',
    ),
    domain('operators', ['(accounts|clients|sessions)/'], 'Who may use the console, and for how long.'),
    // `lifecycle` holds the use cases that cut across: it may know the whole domain.

    // Rows stay with their owner.
    {
      name: 'rows-stay-with-their-owner',
      comment: 'Entities and repositories are a folder’s own; others get its types and services.',
      severity: 'error',
      from: { path: '^src/(domain/[^/]+|platform/[^/]+|web)/' },
      to: { path: '/entities/|\\.repository\\.ts$', pathNot: '^src/$1/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-statement-in-the-web',
      comment: 'SQL and transactions belong to the owner of the table.',
      severity: 'error',
      from: { path: '^src/web/' },
      to: { path: '/entities/|\\.sql\\.ts$|^src/platform/database/(statement|transaction|retention)\\.ts$' },
    },

    // Rooms of the web.
    {
      name: 'pages-are-a-leaf',
      comment: 'A page turns a view into HTML and decides nothing.',
      severity: 'error',
      from: { path: '^src/web/pages/', pathNot: specs },
      to: { path: '^src/web/', pathNot: '^src/web/pages/' },
    },
    {
      name: 'kit-is-shared',
      comment: 'What all edges share knows none of them.',
      severity: 'error',
      from: { path: '^src/web/kit/', pathNot: specs },
      to: { path: '^src/web/', pathNot: '^src/web/(kit|pages)/' },
    },
    {
      name: 'dialects-stay-at-the-edge',
      comment: 'A dialect changes state only through services of the domain: no table, no storage, no other edge.',
      severity: 'error',
      from: { path: '^src/web/dialects/[^/]+/' },
      to: {
        path: '^src/platform/database/|/entities/|\\.repository\\.ts$|\\.sql\\.ts$|^src/web/(admin|account|authorize|console|oauth)/',
      },
    },
    {
      name: 'dialects-do-not-know-each-other',
      comment: 'What two dialects need belongs to the domain or to the kit.',
      severity: 'error',
      from: { path: '^src/web/dialects/([^/]+)/' },
      to: { path: '^src/web/dialects/([^/]+)/', pathNot: '^src/web/dialects/$1/' },
    },

    // Packages.
    {
      name: 'no-dev-dependencies-in-the-service',
      comment: 'What the service imports must be there when it is installed without development dependencies.',
      severity: 'error',
      from: { path: ours, pathNot: specs },
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
