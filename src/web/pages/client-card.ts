import { hostOf, webUrl } from './safe-urls.js';
import type { ClientView } from './views.js';
import { clientName, initialOf } from './words.js';

/** An application as the templates `@tile` and `@client` show it: names cleaned, addresses checked. */
export interface ClientCard {
  readonly name: string;
  readonly initial: string;
  readonly logo?: string | undefined;
  readonly home?: { readonly url: string; readonly host: string } | undefined;
  readonly policy?: string | undefined;
  readonly terms?: string | undefined;
}

export function toClientCard(client: ClientView): ClientCard {
  const name = clientName(client);
  const home = webUrl(client.clientUri);
  return {
    name,
    initial: initialOf(name),
    logo: webUrl(client.logoUri),
    home: home === undefined ? undefined : { url: home, host: hostOf(home) },
    policy: webUrl(client.policyUri),
    terms: webUrl(client.tosUri),
  };
}
