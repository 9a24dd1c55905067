import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { Settings } from './config/settings.js';
import { ADMIN_SCOPE } from './oidc/claims.js';

const DESCRIPTION = `An OpenID Provider whose logout is a guarantee.

**Try it here:** press *Authorize*, and under *admin* enter the id and the secret of the admin client (the first start
prints them). Then open an operation under *Admin* and press *Try it out*.

Errors are \`{"error", "error_description"}\`, and 503 when storage is away; the documented APIs of others (Elasticsearch, VMware
CSP, the back-channel receiver) answer in their own words. A failure is never reported as success.`;

/** The OpenAPI document, from the code. */
export function openApiDocument(app: INestApplication, settings: Pick<Settings, 'issuer'>): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Exeunt')
    .setDescription(DESCRIPTION)
    .setVersion('0.1.0')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer(settings.issuer)
    .addOAuth2(
      {
        type: 'oauth2',
        description: 'The admin client, or another client with scope `exeunt:admin`.',
        flows: {
          clientCredentials: { tokenUrl: `${settings.issuer}/token`, scopes: { [ADMIN_SCOPE]: 'The operator API.' } },
        },
      },
      'admin',
    )
    .addBasicAuth(
      {
        type: 'http',
        scheme: 'basic',
        description: 'A client’s id and secret (`client_secret_basic`), both form-url-encoded.',
      },
      'client',
    )
    .addBasicAuth(
      {
        type: 'http',
        scheme: 'basic',
        description:
          'A client with the permission that the operation needs (`manage_oidc`, `manage_token`); or a Bearer token of its own.',
      },
      'facilitator',
    )
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An access token of a person.' }, 'user')
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', description: 'An initial access token, or a registration access token.' },
      'registration',
    )
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: '`METRICS_TOKEN`, when it is set.' }, 'metrics')
    .addCookieAuth(
      'exeunt_session',
      { type: 'apiKey', in: 'cookie', description: 'The session; `__Host-exeunt_session` on https.' },
      'session',
    )
    .addCookieAuth(
      'exeunt_console',
      {
        type: 'apiKey',
        in: 'cookie',
        description:
          'An admin client at the console; `__Host-exeunt_console` on https. The session of an operator does as well.',
      },
      'console',
    )
    .addTag('Sign-in', 'The authorization endpoint and its pages.')
    .addTag('Tokens', 'Issue, rotate, revoke, introspect.')
    .addTag('Logout: end_session', 'OpenID Connect RP-Initiated Logout with a confirmation dialog.')
    .addTag('Logout: back-channel receiver', 'Logout tokens of the providers that people sign in with.')
    .addTag(
      'Logout: Elasticsearch',
      'The `_security/oidc` API, for facilitators that sign people in on pages of their own.',
    )
    .addTag('Logout: VMware CSP', 'The logout URL API of VMware Cloud Services.')
    .addTag('Session management', 'What applications ask in the browser: is it still the same person?')
    .addTag('Own sessions', 'What a signed-in person sees and ends.')
    .addTag('Console', 'What operators see of logouts: pages, server-rendered and live.')
    .addTag('Discovery', 'Metadata and keys.')
    .addTag('Registration', 'RFC 7591 and RFC 7592.')
    .addTag('Admin: clients', 'The registry.')
    .addTag('Admin: accounts', 'People who can sign in.')
    .addTag('Admin: upstreams', 'Other providers that people may sign in with, and organizations that use them.')
    .addTag('Admin: sessions', 'Who is signed in where.')
    .addTag('Admin: logouts', 'What ended and why, and what each application said.')
    .addTag('Admin: audit', 'What was done, refused and failed.')
    .addTag('Admin: keys', 'Signing keys.')
    .addTag('Operations', 'Probes.')
    .build();
  return completed(
    SwaggerModule.createDocument(app, config, {
      operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
    }),
  );
}

/** Swagger UI at `/docs`, from files of ours and no CDN, and the document at `/openapi.yaml`. */
export function serveDocs(app: INestApplication, settings: Settings): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app, settings), {
    yamlDocumentUrl: 'openapi.yaml',
    jsonDocumentUrl: 'openapi.json',
    customSiteTitle: 'Exeunt API',
    swaggerOptions: { persistAuthorization: true, displayRequestDuration: true },
  });
}

interface Operation {
  summary?: string;
  security?: Record<string, string[]>[];
  responses?: Record<string, { description?: string }>;
}

/** What the decorators cannot say: scopes of a requirement, operations that anybody may call, what a success is. */
function completed(document: OpenAPIObject): OpenAPIObject {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path as Record<string, Operation>));
  for (const operation of operations) {
    operation.security ??= [];
    for (const requirement of operation.security) {
      if (requirement.admin !== undefined) requirement.admin = [ADMIN_SCOPE];
      // Secrets by form, assertions and public clients have no scheme of their own in OpenAPI.
      if (requirement.client !== undefined) operation.security = [requirement, {}];
    }
    for (const [status, response] of Object.entries(operation.responses ?? {})) {
      if (status.startsWith('2') && response.description === '') response.description = operation.summary ?? 'Done.';
    }
  }
  return document;
}
