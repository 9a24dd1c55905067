import { Inject, Injectable } from '@nestjs/common';
import { ClientsService } from '../../domain/clients/clients.service.js';
import {
  InteractionAnsweredError,
  InteractionLostError,
  PushedRequestOverError,
  UnanswerableRequestError,
  type EndedInteraction,
} from '../../domain/interactions/interaction-errors.js';
import type { Interaction } from '../../domain/interactions/interaction.js';
import { InteractionsService } from '../../domain/interactions/interactions.service.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { PushedRequests } from '../../domain/interactions/pushed-requests.service.js';
import { interactionPath, PATHS } from '../../platform/oidc/endpoints.js';
import type { WayOn } from '../../platform/oidc/ways-on.js';
import { wayToApplication } from '../pages/client-view.js';

/**
 * Where a person continues who came to a sign-in that is over (by Back, a bookmark, a second click, an hour late) or was
 * sent here with a wrong request: in the browser that it belongs to by itself, elsewhere by a link.
 */
@Injectable()
export class LeadingOn {
  constructor(
    private readonly interactions: InteractionsService,
    private readonly clients: ClientsService,
    private readonly pushed: PushedRequests,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Undefined: the error is about no interaction and no application. */
  async waysFrom(error: unknown): Promise<readonly WayOn[] | undefined> {
    if (error instanceof UnanswerableRequestError || error instanceof PushedRequestOverError) {
      const application = wayToApplication(error.client, this.settings.issuer);
      return application === undefined ? [] : [application];
    }
    if (error instanceof InteractionLostError || error instanceof InteractionAnsweredError)
      return error.about === undefined ? [] : this.waysFromEnded(error.about);
    return undefined;
  }

  private async waysFromEnded(about: EndedInteraction): Promise<readonly WayOn[]> {
    switch (about.kind) {
      case 'unknown':
        return this.waysFromUnknown(about.id);
      case 'over':
        return this.waysFromOver(about.id, about.interaction);
      case 'replaced':
        return [{ url: interactionPath(about.by), label: 'Go on', atOnce: true }];
    }
  }

  /** No browser is sent anywhere without a click. */
  private async waysFromUnknown(id: string): Promise<readonly WayOn[]> {
    const clientId = this.interactions.clientIdOf(id);
    const client = clientId === undefined ? undefined : await this.clients.findEnabled(clientId);
    if (client === undefined) return [];
    const application = wayToApplication(client, this.settings.issuer);
    if (application !== undefined) return [application];
    const interaction = await this.interactions.findOfAnyBrowser(id);
    return interaction !== undefined && (await this.mayBeginAgain(interaction))
      ? [{ url: againPath(id), label: 'Sign in in this browser' }]
      : [];
  }

  private async waysFromOver(id: string, interaction: Interaction): Promise<readonly WayOn[]> {
    if (interaction.kind === 'own_page')
      return [{ url: PATHS.sessions, label: 'See where you are signed in', atOnce: true }];
    const client = await this.clients.findEnabled(interaction.request.clientId);
    if (client === undefined) return [];
    // An application that has had its answer does not expect a second one with the same state. One that can be asked to
    // begin a new sign-in is asked; of the others some take it, and some show their own page.
    const { initiate_login_uri: initiateLogin } = client.metadata;
    const application = wayToApplication(client, this.settings.issuer);
    if (interaction.state === 'answered' && initiateLogin !== undefined && application !== undefined)
      return [{ ...application, atOnce: true }];
    const again = { url: againPath(id), label: 'Go on with this sign-in', atOnce: true };
    const ways = (await this.mayBeginAgain(interaction)) ? [again] : [];
    return application === undefined ? ways : [...ways, application];
  }

  /** One that was pushed leads to no second response (RFC 9126 §4). */
  private async mayBeginAgain(interaction: Interaction): Promise<boolean> {
    return interaction.kind !== 'authorize' || !(await this.pushed.isUsed(interaction.request));
  }
}

function againPath(id: string): string {
  return `${interactionPath(id)}/again`;
}
