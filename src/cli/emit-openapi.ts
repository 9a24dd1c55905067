import { writeFileSync } from 'node:fs';
import { NestFactory } from '@nestjs/core';
import { dump } from 'js-yaml';
import { AppModule } from '../app.module.js';
import { loadSettings } from '../platform/config/settings.js';
import { openApiDocument } from '../web/docs/openapi.js';

/** Writes the OpenAPI document. `preview` starts no provider, so no database is needed. */
const settings = loadSettings({});
const app = await NestFactory.create(AppModule.with(settings), { preview: true, logger: ['error'] });
const path = process.argv[2] ?? 'openapi.yaml';
const yaml = dump(openApiDocument(app, settings), { lineWidth: 120, noRefs: true });
writeFileSync(path, `# Emitted from the code by \`npm run build\`. Do not edit.\n${yaml}`);
