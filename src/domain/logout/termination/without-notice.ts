/** Why an application that took part cannot be notified that it is over. The codes stay the same. */
export const NOT_NOTIFIED_REASONS = [
  /** It registered neither a back-channel nor a front-channel logout URI. */
  'no_backchannel_uri',
  /** It registered a front channel alone, and none of our pages was shown in that session's browser to ask it from. */
  'browser_absent',
  /** It is registered to be notified of other causes (`backchannel_logout_causes`). */
  'cause_not_wanted',
  /** It was deleted before. */
  'client_deleted',
  /** It ordered this logout itself, as a provider that people sign in with (`peer_client_id`). */
  'is_the_sender',
  /** Its front-channel logout URI is one that we do not load. */
  'frontchannel_uri_refused',
] as const;
export type NotNotifiedReason = (typeof NOT_NOTIFIED_REASONS)[number];

/** What an application may be that took part and gets no notice. */
export const STATES_WITHOUT_NOTICE = ['asked', 'not_told'] as const;

/** An application that took part in what ended and gets no notice. Kept with the termination, in these very words. */
export interface WithoutNotice {
  readonly client_id: string;
  /** `asked`: by a frame in the browser, of which the outcome cannot be known. */
  readonly state: (typeof STATES_WITHOUT_NOTICE)[number];
  /** With `not_told`. */
  readonly reason?: NotNotifiedReason;
  /** In how many of the sessions. */
  readonly sessions: number;
}

/** In how many sessions applications were `asked`, or could not be notified. */
export function countWithoutNotice(list: readonly WithoutNotice[], state: WithoutNotice['state']): number {
  return list.filter((item) => item.state === state).reduce((sum, { sessions }) => sum + sessions, 0);
}
