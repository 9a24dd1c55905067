/** Values of client metadata that only the assembled application knows, since its logout dialects bring some of them. */
export abstract class RegistrableValues {
  /** Causes for which a client may be notified (`backchannel_logout_causes`). */
  abstract readonly terminationCauses: readonly string[];
  /** What a facilitator may do (`permissions`). */
  abstract readonly permissions: readonly string[];
}
