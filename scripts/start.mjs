// Builds when there is no build, or the sources are newer than it, then starts in this very process.
import { buildIfNeeded } from './build-if-needed.mjs';

buildIfNeeded();
await import('../dist/src/main.js');
