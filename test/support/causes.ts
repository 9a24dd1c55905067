import { TerminationCauses } from '../../src/domain/logout/command/termination-causes.js';
import { DIALECTS } from '../../src/web/dialects/dialects.js';

/** Every cause of the application as it is delivered. */
export const TERMINATION_CAUSES = new TerminationCauses(DIALECTS.flatMap(({ causes }) => causes)).names;
