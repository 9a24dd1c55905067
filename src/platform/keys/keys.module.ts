import { Module } from '@nestjs/common';
import { AccountRouting } from './account-routing.js';
import { JwtSigner } from './jwt-signer.js';
import { JwtVerifier } from './jwt-verifier.js';
import { KeyMaintenance } from './key-maintenance.js';
import { KeysService } from './keys.service.js';
import { KeptSecrets } from './kept-secrets.js';
import { Sealer } from './sealer.js';
import { SigningKeyRepository } from './signing-key.repository.js';

@Module({
  providers: [
    AccountRouting,
    SigningKeyRepository,
    KeysService,
    KeyMaintenance,
    JwtSigner,
    JwtVerifier,
    Sealer,
    KeptSecrets,
  ],
  exports: [AccountRouting, KeysService, KeyMaintenance, JwtSigner, JwtVerifier, Sealer, KeptSecrets],
})
export class KeysModule {}
