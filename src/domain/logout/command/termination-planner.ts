import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { timeOrderedId } from '../../../platform/clock/time-ordered-id.js';
import { Clock } from '../../../platform/clock/clock.js';
import { toTraceparent } from '../../../platform/requests/trace-context.js';
import { Tracing } from '../../../platform/tracing/tracing.js';
import { claimLeaseMs } from '../notices/claim-lease.js';
import type { TerminationPlan } from '../termination/session-termination.repository.js';
import { logoutPolicy } from './logout-policy.js';
import type { LogoutCommand, LogoutTarget } from './logout.js';
import { TerminationCauses } from './termination-causes.js';

/** Makes of a command what is written: which grants fall ({@link logoutPolicy}), when, under which id. */
@Injectable()
export class TerminationPlanner {
  constructor(
    private readonly causes: TerminationCauses,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly tracing: Tracing,
  ) {}

  plan(command: LogoutCommand<LogoutTarget>): TerminationPlan {
    const trace = this.tracing.current;
    return {
      ...command,
      ...logoutPolicy(command, this.causes),
      terminationId: timeOrderedId(this.clock.now()),
      now: this.clock.now(),
      claimedUntil: this.clock.in(claimLeaseMs(this.settings)),
      traceparent: trace === undefined ? null : toTraceparent(trace),
    };
  }
}
