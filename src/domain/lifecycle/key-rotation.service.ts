import { Injectable } from '@nestjs/common';
import { KeyMaintenance } from '../../platform/keys/key-maintenance.js';
import { KeysService } from '../../platform/keys/keys.service.js';
import type { SigningKeyInfo } from '../../platform/keys/signing-key.js';
import { ChangeRecord, type Actor } from './change-record.js';

/** Rotates the signing keys on an operator's word, and puts it on record. */
@Injectable()
export class KeyRotation {
  constructor(
    private readonly keys: KeysService,
    private readonly maintenance: KeyMaintenance,
    private readonly record: ChangeRecord,
  ) {}

  /** @param immediately the keys there are may be known to others: none of them signs or is believed any more */
  async rotate(immediately: boolean, actor: Actor): Promise<readonly SigningKeyInfo[]> {
    const change = { event: 'keys_rotated', change: 'rotated', subject: { immediately } } as const;
    await this.record.of(actor, change, (record) => this.maintenance.rotate(immediately, record));
    return this.keys.list();
  }
}
