import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { Sealer } from '../../platform/keys/sealer.js';
import { newSecret, sha256 } from '../../platform/oidc/secret.js';
import type { AuthorizationRequest } from './authorization-request.js';
import type { InteractionPurpose } from './interaction.js';
import { KEPT_MS, OPEN_MS } from './interaction-times.js';
import type { InteractionRow } from './interactions.sql.js';

const PURPOSE = 'interaction';
/** Ends what is sealed in an id; neither base64url nor the ids of stored interactions have it. */
const SEPARATOR = '.';
/**
 * Longer ones are stored. The id stands in a `Location` header, and proxies take the head of a response up to 4 KB (one
 * page of memory, nginx's default).
 */
const LONGEST_ID = 2000;

/** What is sealed, with names of one letter since all of it stands in an address. */
interface Sealed {
  /** A secret; what is stored of the interaction stands under its hash. */
  readonly i: string;
  /** The hash of the browser's id. */
  readonly b: string;
  /** When it began, in milliseconds. */
  readonly t: number;
  /** The session in which the person had proved who they are. */
  readonly s?: string;
  /** Absent: the person came for their own pages. */
  readonly r?: AuthorizationRequest;
}

/** An interaction as it began: everything but what has come of it. */
export interface BegunInteraction {
  readonly purpose: InteractionPurpose;
  readonly row: InteractionRow;
  readonly sessionId: string | undefined;
}

/**
 * Interactions that wait in their own address, sealed, so that beginning one costs no row
 * (docs/decisions/0056-a-sealed-interaction.md). It opens for as long as a stored one is kept.
 */
@Injectable()
export class InteractionSeals {
  constructor(
    private readonly sealer: Sealer,
    private readonly clock: Clock,
  ) {}

  /**
   * The id of a new interaction, which says all about it; undefined when that would be too long for an address.
   * @param browserHash of the browser that it is for
   * @param suffix stands after what is sealed, in clear
   */
  seal(
    purpose: InteractionPurpose,
    browserHash: Buffer,
    sessionId: string | undefined,
    suffix: string,
  ): string | undefined {
    const sealed: Sealed = {
      i: newSecret(),
      b: browserHash.toString('base64url'),
      t: this.clock.now().getTime(),
      ...(sessionId === undefined ? {} : { s: sessionId }),
      ...(purpose.kind === 'authorize' ? { r: purpose.request } : {}),
    };
    const id = this.sealer.seal(PURPOSE, sealed, OPEN_MS + KEPT_MS) + (suffix === '' ? '' : SEPARATOR + suffix);
    return id.length > LONGEST_ID ? undefined : id;
  }

  /** Undefined: it is forged, of a key that was withdrawn, longer ago than it is kept, or not sealed at all. */
  open(id: string): BegunInteraction | undefined {
    const [text = ''] = id.split(SEPARATOR, 1);
    const sealed = this.sealer.open<Sealed>(PURPOSE, text);
    if (sealed === undefined) return undefined;
    return {
      purpose: sealed.r === undefined ? { kind: 'own_page' } : { kind: 'authorize', request: sealed.r },
      sessionId: sealed.s,
      row: {
        interactionHash: sha256(sealed.i),
        interactionBrowser: Buffer.from(sealed.b, 'base64url'),
        interactionBegan: new Date(sealed.t),
        interactionExpires: new Date(sealed.t + OPEN_MS),
      },
    };
  }
}

/** What an id says in clear behind what is sealed; undefined: it is in the form of a stored interaction. */
export function suffixOf(id: string): string | undefined {
  const at = id.indexOf(SEPARATOR);
  return at === -1 ? undefined : id.slice(at + 1);
}
