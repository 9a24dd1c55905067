/** The names of the causes that a client may register for (`backchannel_logout_causes`). The logout has them. */
export abstract class TerminationCauseNames {
  abstract readonly names: readonly string[];
}
