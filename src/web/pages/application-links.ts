import { webUrl } from './safe-urls.js';
import type { ApplicationLinkView } from './views.js';
import { clientName } from './words.js';

/** An application by name, with a link to its own page where it registered one that may be followed. */
export interface ApplicationLink {
  readonly name: string;
  readonly url?: string | undefined;
}

export function toApplicationLinks(applications: readonly ApplicationLinkView[]): ApplicationLink[] {
  return applications.map(({ name, url }) => {
    const link = webUrl(url);
    return { name: clientName({ name }), url: link };
  });
}
