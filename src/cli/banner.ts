import type { AdminClientCredentials } from '../domain/clients/first-admin-client.js';
import type { Settings } from '../platform/config/settings.js';
import { Endpoints } from '../platform/oidc/endpoints.js';

/** What the start says: where it listens, who may administer it, what to do next. */
export function banner(settings: Settings, admin: AdminClientCredentials, embedded: boolean): string {
  const { issuer } = settings;
  const endpoints = new Endpoints(issuer);
  const secret = admin.generatedSecret;
  return [
    '',
    `Exeunt is ready at ${issuer}`,
    ...(settings.docs ? [`  API and Swagger UI   ${endpoints.url('docs')}`] : []),
    `  Discovery            ${endpoints.url('openidConfiguration')}`,
    `  Database             ${embedded ? `embedded Postgres in ${settings.dataDir}` : 'Postgres at DATABASE_URL'}`,
    '',
    ...(secret === undefined
      ? [
          admin.problem ??
            `Admin client         ${admin.clientId} (its secret was shown at the first start, or is in EXEUNT_ADMIN_CLIENT_SECRET)`,
        ]
      : [
          'Admin client, shown this once:',
          `  client id            ${admin.clientId}`,
          `  client secret        ${secret}`,
        ]),
    '',
    'What next: open /docs, press Authorize, enter the admin client; create an account and a client. Or stop this',
    'and run `npm run demo`: two applications, one person, one sign-out.',
    '',
  ].join('\n');
}

/** What the log says of a start in production. A secret has no place in a log, which is kept and copied. */
export function announcement({ issuer }: Settings, admin: AdminClientCredentials): readonly string[] {
  const unseen =
    admin.generatedSecret === undefined
      ? []
      : [
          `Nobody has seen the secret of the admin client ${admin.clientId}: \`npm run admin:recover\` prints a new one.`,
        ];
  return [`Exeunt is ready at ${issuer}`, ...unseen];
}

/** What is allowed and probably not meant. */
export function warningsOf({ issuer, trustProxy }: Settings): readonly string[] {
  if (!issuer.startsWith('https:') || trustProxy !== undefined) return [];
  return [
    'EXEUNT_TRUST_PROXY is not set. Something in front of this service ends TLS, so every request seems to come from it: ' +
      'one caller who is refused too often closes the door for all. Set it to the address of the proxy.',
  ];
}
