import type { TerminationCause } from '../command/logout.js';
import { NOT_NOTIFIED_REASONS } from '../termination/without-notice.js';

/** Why something of a logout happens or does not. The codes stay the same. */
export const SESSION_REASONS = ['session_ends', 'session_goes_on', 'session_already_ended'] as const;
export const GRANT_REASONS = ['grant_revoked', 'grant_already_revoked', 'grant_offline_kept', 'grant_kept'] as const;
export const NOTICE_REASONS = [
  /** By a notice on its back channel. */
  'will_be_notified',
  /** By a frame in the browser: it can be asked and not confirm. */
  'will_be_asked',
  /** It is not over for this one. */
  'session_goes_on',
  ...NOT_NOTIFIED_REASONS,
] as const;

export interface SessionPreview {
  readonly sessionId: string;
  readonly accountId: string;
  readonly reason: (typeof SESSION_REASONS)[number];
}

export interface GrantPreview {
  readonly grantId: string;
  readonly clientId: string;
  readonly accountId: string;
  readonly sessionId: string | null;
  readonly reason: (typeof GRANT_REASONS)[number];
}

/** By what way an application learns of it: `back` is a notice, `front` a frame on the person's signed-out page. */
export type LogoutChannel = 'back' | 'front';

export interface ApplicationPreview {
  readonly clientId: string;
  readonly sessionId: string;
  readonly sid: string;
  readonly channels: readonly LogoutChannel[];
  readonly reason: (typeof NOTICE_REASONS)[number];
}

/** What a logout would do at this moment. Counts end at {@link PREVIEW_COUNT_LIMIT}, lists at {@link PREVIEW_LIST_LIMIT}. */
export interface LogoutPreview {
  readonly cause: TerminationCause;
  readonly sessions: number;
  readonly grantsRevoked: number;
  readonly deliveries: number;
  readonly asked: number;
  readonly notNotified: number;
  /** There is more than was counted: the counts say "more than that". */
  readonly more: boolean;
  readonly sessionList: readonly SessionPreview[];
  readonly grantList: readonly GrantPreview[];
  readonly applicationList: readonly ApplicationPreview[];
}

export const PREVIEW_LIST_LIMIT = 200;
/** The caller wants to know whether it is ten or too many; to count millions would take longer than a request may. */
export const PREVIEW_COUNT_LIMIT = 100_000;
