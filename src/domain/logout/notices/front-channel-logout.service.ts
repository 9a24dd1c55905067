import { Inject, Injectable, Logger } from '@nestjs/common';
import { clientName, type Client } from '../../clients/client.js';
import { ClientsService } from '../../clients/clients.service.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { appendQuery, frontChannelLogoutUriProblem } from '../../../platform/oidc/redirect-uri.js';
import type { FrontChannelParticipant, LogoutOutcome } from '../command/logout.js';

/** An application that the browser is to ask by a frame. */
export interface FrontChannelFrame {
  readonly clientId: string;
  readonly clientName: string;
  /** Undefined: the registered URI may not be loaded, so the application cannot be asked. */
  readonly url: string | undefined;
}

/**
 * Which applications the browser asks to forget the person.
 *
 * Decision: the list is who took part in the session that ended in this browser, as the logout's own transaction saw
 * it. Sessions in other browsers that ended with it (sign out everywhere) have nothing to be cleared here. What comes
 * of a frame cannot be known: an application may not see its own cookies in it (Front-Channel Logout 1.0 §4.1), so it
 * is recorded as asked and never as notified, and one that also has a back channel is judged by that.
 *
 * @see [Front-Channel Logout 1.0](https://openid.net/specs/openid-connect-frontchannel-1_0.html) §2, §3
 */
@Injectable()
export class FrontChannelLogout {
  private readonly logger = new Logger(FrontChannelLogout.name);

  constructor(
    private readonly clients: ClientsService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** What the browser of this session is to load, one per application. Changes nothing. */
  async framesOf(outcome: LogoutOutcome, sessionId: string): Promise<FrontChannelFrame[]> {
    const asked =
      outcome.kind === 'ended' ? outcome.frontChannel.filter((participant) => participant.sessionId === sessionId) : [];
    if (asked.length === 0) return [];
    const clients = await this.clients.findEvenDeleted(asked.map((participant) => participant.clientId));
    return asked.flatMap((participant) => {
      const client = clients.get(participant.clientId);
      return client === undefined || client.deletedAt !== null ? [] : [this.frame(client, participant)];
    });
  }

  /** Whether a page may load this client's frame. What is registered may be from before today's rules. */
  mayAsk(registered: {
    readonly frontchannel_logout_uri?: string | undefined;
    readonly redirect_uris: readonly string[];
  }): boolean {
    const { frontchannel_logout_uri: uri, redirect_uris: redirectUris } = registered;
    return uri !== undefined && this.problemOf(uri, redirectUris) === undefined;
  }

  private problemOf(uri: string, redirectUris: readonly string[]): string | undefined {
    return frontChannelLogoutUriProblem(uri, redirectUris, { allowInsecure: this.settings.allowInsecureRedirectUris });
  }

  private frame(client: Client, { sid }: FrontChannelParticipant): FrontChannelFrame {
    const { clientId } = client;
    const { frontchannel_logout_uri: uri, redirect_uris: redirectUris } = client.metadata;
    const frame = { clientId, clientName: clientName(client) };
    if (uri === undefined) return { ...frame, url: undefined };
    const problem = this.problemOf(uri, redirectUris);
    if (problem !== undefined) {
      this.logger.warn(`frontchannel_logout_uri of ${clientId} ${problem}: not loaded`);
      return { ...frame, url: undefined };
    }
    // Both or neither (§2). Always both: an application that reads neither loses nothing, one that reads them cannot be
    // made to forget another session than this one.
    return {
      ...frame,
      url: appendQuery(uri, [
        ['iss', this.settings.issuer],
        ['sid', sid],
      ]),
    };
  }
}
