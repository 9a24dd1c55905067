import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { OfferedProofs } from '../../domain/clients/proofs/offered-proofs.js';
import { OfferedGrantTypes } from '../../domain/tokens/grants/offered-grant-types.js';
import type { Settings } from '../../platform/config/settings.js';
import { TerminationCauses } from '../../domain/logout/command/termination-causes.js';
import { OPEN_ENUMS, type OpenEnum } from '../../platform/oidc/open-enums.js';
import { ADMIN_SCOPE } from '../../platform/oidc/claims.js';
import { Endpoints, PATHS } from '../../platform/oidc/endpoints.js';
import { Dialects } from '../dialects/dialect.js';
import { describeOffer, offeredModels } from './offered-schemas.js';
import type { OperationWords } from './operation-words.js';
import { OPERATIONS } from './openapi-operations.js';

const OPEN_ENUM_NAMES = Object.keys(OPEN_ENUMS) as OpenEnum[];

const DESCRIPTION = `An OpenID Provider whose logout is a guarantee.

**Try it here:** press *Authorize*, and under *admin* enter the id and the secret of the admin client (the first start
prints them). Then open an operation under *Admin* and press *Try it out*.

**Words:** a *dialect* is one of the APIs by which others ask for a logout: their requests, their errors, one way of ending. A
*notice* is the logout token that an application is sent when a session ends, a *delivery* what became of it. A *hint* is a token
that comes back to say who is meant; it proves nothing about who is there. A *facilitator* is an application that signs people in
and out on pages of its own, by the Elasticsearch API. A *termination* is the record of what ended at once, by one cause.

Errors are \`{"error", "error_description"}\`, and 503 when storage is away; the documented APIs of others (Elasticsearch, VMware
CSP, the back-channel receiver) answer in their own words. A failure is never reported as success.`;

/** The OpenAPI document, from the code. */
export function openApiDocument(app: INestApplication, settings: Pick<Settings, 'issuer'>): OpenAPIObject {
  const { list: dialects } = app.get(Dialects);
  const grants = app.get(OfferedGrantTypes);
  const proofs = app.get(OfferedProofs);
  const builder = new DocumentBuilder()
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
          clientCredentials: {
            tokenUrl: new Endpoints(settings.issuer).url('token'),
            scopes: { [ADMIN_SCOPE]: 'The operator API.' },
          },
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
    );
  for (const { openApi } of dialects)
    for (const [name, scheme] of Object.entries(openApi.security ?? {})) builder.addSecurity(name, scheme);
  builder
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
    .addTag('Admin: clients', 'The registry.')
    .addTag('Admin: accounts', 'People who can sign in.')
    .addTag('Admin: upstreams', 'Other providers that people may sign in with, and organizations that use them.')
    .addTag('Admin: sessions', 'Who is signed in where.')
    .addTag('Admin: logouts', 'What ended and why, and what each application said.')
    .addTag('Admin: audit', 'What was done, refused and failed.')
    .addTag('Admin: keys', 'Signing keys.')
    .addTag('Sign-in', 'The authorization endpoint and its pages.')
    .addTag('Tokens', 'Issue, rotate, revoke, introspect.');
  for (const { openApi } of dialects) builder.addTag(openApi.tag.name, openApi.tag.description);
  const config = builder
    .addTag('Session management', 'What applications ask in the browser: is it still the same person?')
    .addTag('Own sessions', 'What a signed-in person sees and ends.')
    .addTag('Console', 'What operators see of logouts: pages, server-rendered and live.')
    .addTag('Discovery', 'Metadata and keys.')
    .addTag('Registration', 'RFC 7591 and RFC 7592.')
    .addTag('Operations', 'Probes.')
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
    extraModels: offeredModels(grants, proofs),
  });
  describeOffer((document.components?.schemas ?? {}) as Record<string, Schema>, grants, proofs);
  fillEnums(document, {
    terminationCause: app.get(TerminationCauses).names,
    logoutDialect: dialects.map(({ name }) => name),
    permission: app.get(Dialects).permissions,
    grantType: grants.names,
    clientAuthMethod: proofs.methods,
  });
  return completed(document, Object.assign({}, OPERATIONS, ...dialects.map(({ openApi }) => openApi.operations)));
}

/**
 * Swagger UI at `/docs`, from our own files and no CDN, and the document at `/openapi.yaml`; nothing where
 * `EXEUNT_DOCS` is off. It stores nothing: the secret of an administrator must not stay in the browser's storage.
 */
export function serveDocs(app: INestApplication, settings: Settings): void {
  if (!settings.docs) return;
  SwaggerModule.setup(PATHS.docs, app, () => openApiDocument(app, settings), {
    yamlDocumentUrl: 'openapi.yaml',
    jsonDocumentUrl: 'openapi.json',
    customSiteTitle: 'Exeunt API',
    swaggerOptions: {
      persistAuthorization: false,
      displayRequestDuration: true,
      // A hundred operations that are not open yet take seconds to draw.
      docExpansion: 'none',
      defaultModelsExpandDepth: -1,
      filter: true,
      plugins: [findsOperations],
    },
  });
}

/**
 * Swagger UI's filter knows tags only; people look for an operation by its title or path. Runs in the browser, so it
 * stands on its own.
 */
function findsOperations(): object {
  interface Listed {
    getIn(path: readonly string[]): string | undefined;
  }
  interface List<Item> {
    filter(keeps: (item: Item) => boolean): List<Item>;
    readonly size: number;
  }
  interface Tags {
    map(
      change: (
        tag: { update(key: string, change: (list: List<Listed>) => List<Listed>): unknown },
        name: string,
      ) => unknown,
    ): {
      filter(keeps: (tag: { get(key: string): List<Listed> }) => boolean): unknown;
    };
  }
  const opsFilter = (tags: Tags, phrase: string): unknown => {
    const wanted = phrase.toLowerCase();
    const fits = (operation: Listed): boolean =>
      [['path'], ['operation', 'summary'], ['operation', 'description'], ['operation', 'operationId']].some((at) =>
        (operation.getIn(at) ?? '').toLowerCase().includes(wanted),
      );
    return tags
      .map((tag, name) =>
        tag.update('operations', (list) => (name.toLowerCase().includes(wanted) ? list : list.filter(fits))),
      )
      .filter((tag) => tag.get('operations').size > 0);
  };
  return { fn: { opsFilter } };
}

type Example = Readonly<Record<string, unknown>>;
interface Schema {
  $ref?: string;
  example?: unknown;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  allOf?: Schema[];
}
interface Content {
  schema?: Schema;
  example?: unknown;
  examples?: unknown;
}
interface Parameter {
  in: string;
  required?: boolean;
  description?: string;
  example?: unknown;
  schema?: Schema;
}
interface Operation {
  operationId?: string;
  summary?: string;
  security?: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, Content> };
  responses?: Record<string, { description?: string; content?: Record<string, Content> }>;
}

/** Puts the values of this application in the place of each placeholder of {@link OPEN_ENUMS}. */
function fillEnums(node: unknown, values: Readonly<Record<OpenEnum, readonly string[]>>): void {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, child] of Object.entries(node)) {
    const name = OPEN_ENUM_NAMES.find((candidate) => Array.isArray(child) && child[0] === OPEN_ENUMS[candidate][0]);
    if (name === undefined) fillEnums(child, values);
    else (node as Record<string, unknown>)[key] = [...values[name]];
  }
}

/** What the decorators cannot say: scopes of a requirement, operations that anybody may call, words of each operation's own. */
function completed(document: OpenAPIObject, operations: Readonly<Record<string, OperationWords>>): OpenAPIObject {
  const schemas = (document.components?.schemas ?? {}) as Record<string, Schema>;
  const entries = Object.values(document.paths).flatMap((path) => Object.entries(path as Record<string, Operation>));
  for (const [method, operation] of entries) {
    const words = operations[operation.operationId ?? ''] ?? {};
    secure(operation);
    for (const parameter of operation.parameters ?? []) leaveEmpty(parameter);
    if (words.body !== undefined) exemplify(operation, words.body, schemas);
    describe(operation, words, method === 'get');
  }
  return document;
}

function secure(operation: Operation): void {
  operation.security ??= [];
  for (const requirement of operation.security) {
    if (requirement.admin !== undefined) requirement.admin = [ADMIN_SCOPE];
    // Secrets by form, assertions and public clients have no scheme of their own in OpenAPI.
    if (requirement.client !== undefined) operation.security = [requirement, {}];
  }
}

/** Swagger UI fills in every example. One on what may be left out would narrow a list, or contradict another parameter. */
function leaveEmpty(parameter: Parameter): void {
  const example = parameter.example ?? parameter.schema?.example;
  if (parameter.required === true || example === undefined) return;
  delete parameter.example;
  if (parameter.schema !== undefined) delete parameter.schema.example;
  if (parameter.schema?.enum !== undefined) return;
  const text = typeof example === 'string' ? example : JSON.stringify(example);
  parameter.description = `${parameter.description ?? ''} For example \`${text}\`.`.trim();
}

/** One example for the whole body, in place of one for each property, which together would contradict each other. */
function exemplify(operation: Operation, body: Example, schemas: Record<string, Schema>): void {
  for (const [type, content] of Object.entries(operation.requestBody?.content ?? {})) {
    delete content.examples;
    content.example = body;
    // Of a form Swagger UI fills in each field by itself.
    if (type === 'application/x-www-form-urlencoded') onlyExamplesOf(body, content.schema, schemas);
  }
}

function onlyExamplesOf(body: Example, schema: Schema | undefined, schemas: Record<string, Schema>): void {
  const resolved = schema?.$ref === undefined ? schema : schemas[schema.$ref.split('/').at(-1) ?? ''];
  for (const [name, property] of Object.entries(resolved?.properties ?? {})) {
    if (Object.hasOwn(body, name)) property.example = body[name];
    else delete property.example;
  }
}

function describe(operation: Operation, words: OperationWords, reads: boolean): void {
  const administration = operation.security?.some((requirement) => requirement.admin !== undefined) === true;
  for (const [status, response] of Object.entries(operation.responses ?? {})) {
    if (status.startsWith('2') && (response.description ?? '') === '')
      response.description = words.success ?? operation.summary ?? 'Done.';
    const refusal = words.errors?.[Number(status) as 400];
    const json = response.content?.['application/json'];
    if (json === undefined) continue;
    if (status === '401' && administration)
      json.example = { error: 'invalid_token', error_description: 'The access token is unknown, expired or revoked.' };
    if (refusal === undefined) continue;
    const own = (json.example as { readonly error?: string } | undefined)?.error ?? 'invalid_request';
    const [error, text] = typeof refusal === 'string' ? [own, refusal] : refusal;
    json.example = { error, error_description: text };
    response.description =
      `${response.description ?? ''} For example: ${text}${reads ? '' : ' Nothing changed.'}`.trim();
  }
}
