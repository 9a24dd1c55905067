import { Module } from '@nestjs/common';
import { JwtSigner } from './jwt-signer.js';
import { JwtVerifier } from './jwt-verifier.js';
import { KeysService } from './keys.service.js';
import { KeptSecrets } from './kept-secrets.js';
import { Sealer } from './sealer.js';

@Module({
  providers: [KeysService, JwtSigner, JwtVerifier, Sealer, KeptSecrets],
  exports: [KeysService, JwtSigner, JwtVerifier, Sealer, KeptSecrets],
})
export class KeysModule {}
