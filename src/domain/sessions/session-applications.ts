import { howClientIsNotified } from '../clients/clients.sql.js';
import type { SessionApplication } from './session.js';

/** An element of {@link applicationsOf}. */
export interface ApplicationRow {
  readonly clientId: string;
  readonly name: string | null;
  readonly uri: string | null;
  readonly told: string;
  readonly frontchannel_logout_uri: string | null;
  readonly redirect_uris: readonly string[];
}

/** The applications in the session `s` of `account` as JSON, and how each learns of its end by `cause` in its own browser. */
export function applicationsOf(s: string, account: string, cause: string): string {
  return `(
             SELECT json_agg(json_build_object('clientId', c.client_id, 'name', c.metadata ->> 'client_name', 'uri', c.metadata ->> 'client_uri',
                                               'told', ${howClientIsNotified('c', cause, 'true')}, 'frontchannel_logout_uri', c.metadata ->> 'frontchannel_logout_uri',
                                               'redirect_uris', c.metadata -> 'redirect_uris') ORDER BY c.client_id)
               FROM session_clients sc JOIN clients c ON c.client_id = sc.client_id
              WHERE sc.account_id = ${account} AND sc.session_id = ${s}.id
           )`;
}

export function toApplication(row: ApplicationRow): SessionApplication {
  return {
    clientId: row.clientId,
    name: row.name ?? row.clientId,
    uri: row.uri ?? undefined,
    told: row.told,
    registered: { frontchannel_logout_uri: row.frontchannel_logout_uri ?? undefined, redirect_uris: row.redirect_uris },
  };
}
