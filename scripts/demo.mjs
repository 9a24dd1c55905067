// The service, a demo account and two applications: see demo/main.ts.
import { buildIfNeeded } from './build-if-needed.mjs';

buildIfNeeded();
await import('../dist/demo/main.js');
