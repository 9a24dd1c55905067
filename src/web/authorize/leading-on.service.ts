import { Inject, Injectable } from '@nestjs/common';
import { wayToApplication } from '../pages/client-view.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import type { WayOn } from '../../platform/oidc/ways-on.js';
import { InteractionAnsweredError, InteractionLostError } from '../../domain/interactions/interaction-errors.js';
import { InteractionsService, type Interaction } from '../../domain/interactions/interactions.service.js';

/**
 * Shows a person who came to a sign-in that is over (by Back, a bookmark, a second click, an hour late) what happened,
 * and continues: in the browser that it belongs to by itself, elsewhere by a link.
 */
@Injectable()
export class LeadingOn {
  constructor(
    private readonly interactions: InteractionsService,
    private readonly clients: ClientsService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** From one of this browser's own that is not open any more. */
  async from(id: string, interaction: Interaction): Promise<Error> {
    const ways = await this.waysFrom(id, interaction);
    return interaction.state === 'answered' ? new InteractionAnsweredError(ways) : new InteractionLostError(ways);
  }

  /** From one that is unknown, gone, or another browser's: no browser is sent anywhere without a click. */
  async fromUnknown(id: string): Promise<Error> {
    const clientId = this.interactions.clientIdOf(id);
    const client = clientId === undefined ? undefined : await this.clients.findEnabled(clientId);
    if (client === undefined) return new InteractionLostError();
    const application = wayToApplication(client, this.settings.issuer);
    if (application !== undefined) return new InteractionLostError([application]);
    const kept = (await this.interactions.findOfAnyBrowser(id)) !== undefined;
    return new InteractionLostError(kept ? [{ url: againPath(id), label: 'Sign in in this browser' }] : []);
  }

  /** To an interaction that has just been begun in place of one that was over. */
  to(id: string, before: Interaction): Error {
    const way = { url: `/interaction/${id}`, label: 'Go on', atOnce: true };
    return before.state === 'answered' ? new InteractionAnsweredError([way]) : new InteractionLostError([way]);
  }

  private async waysFrom(id: string, { request, state }: Interaction): Promise<WayOn[]> {
    if (request === undefined)
      return [{ url: '/account/sessions', label: 'See where you are signed in', atOnce: true }];
    const client = await this.clients.findEnabled(request.clientId);
    if (client === undefined) return [];
    // An application that has had its answer does not expect a second one with the same state. One that can be asked to
    // begin a new sign-in is asked; of the others some take it, and some show their own page.
    const { initiate_login_uri: initiateLogin } = client.metadata;
    const application = wayToApplication(client, this.settings.issuer);
    if (state === 'answered' && initiateLogin !== undefined && application !== undefined)
      return [{ ...application, atOnce: true }];
    const again = { url: againPath(id), label: 'Go on with this sign-in', atOnce: true };
    return application === undefined ? [again] : [again, application];
  }
}

function againPath(id: string): string {
  return `/interaction/${encodeURIComponent(id)}/again`;
}
