import type { ExceptionFilter, Type } from '@nestjs/common';
import type { DialectCause } from '../../domain/logout/command/termination-causes.js';
import type { DialectWords } from '../docs/operation-words.js';

/**
 * A logout dialect, as the application sees it. Everything that others must know of a dialect is here, and `dialects.ts` has
 * the list: causes and the logout policy, what an upstream may be open to, parsers of bodies, errors outside of controllers,
 * the API document.
 */
export interface DialectDescriptor {
  /** As its folder, and in the `dialects` of an upstream. */
  readonly name: string;
  readonly module: Type;
  /** With which its logouts are recorded. A client may register for each. */
  readonly causes: readonly DialectCause[];
  /** What its facilitators may do (`permissions` of a client). Default: it has no facilitators. */
  readonly permissions?: readonly string[];
  /** The beginnings of the paths that are the dialect's. */
  readonly paths: readonly string[];
  /** Its bodies come as text, whatever their media type, and it refuses them in its own words. */
  readonly ownBody: boolean;
  /** Answers what no controller sees under its paths, a wrong method included; provided by the module. Default: as elsewhere. */
  readonly errors?: Type<ExceptionFilter>;
  readonly openApi: DialectWords;
}

/** The dialects of this application, and what is derived from their list. */
export class Dialects {
  constructor(readonly list: readonly DialectDescriptor[]) {}

  get names(): readonly string[] {
    return this.list.map(({ name }) => name);
  }

  get causes(): readonly DialectCause[] {
    return this.list.flatMap(({ causes }) => causes);
  }

  get permissions(): readonly string[] {
    return this.list.flatMap(({ permissions = [] }) => permissions);
  }

  /** @param path of a request, with its query or without */
  readsOwnBody(path: string): boolean {
    return this.list.some(({ ownBody, paths }) => ownBody && paths.some((prefix) => path.startsWith(prefix)));
  }
}
