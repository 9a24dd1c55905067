import { Global, Module, type DynamicModule } from '@nestjs/common';
import { AuditModule } from '../../../platform/audit/audit.module.js';
import { MetricsModule } from '../../../platform/metrics/metrics.module.js';
import { RateLimitsModule } from '../../../platform/rate-limits/rate-limits.module.js';
import { ClientsModule } from '../clients.module.js';
import { ClientsService } from '../clients.service.js';
import { ClientAuthenticator } from './client-authenticator.js';
import type { ClientProof, ProofVerifier } from './client-proof.js';
import { OfferedProofs } from './offered-proofs.js';
import { ProofGuesses } from './proof-guesses.js';

/** Client authentication by the kinds of proof that the application was put together with. */
@Global()
@Module({})
export class ProofsModule {
  static with(proofs: readonly ClientProof[]): DynamicModule {
    const verifiers = proofs.map(({ verifier }) => verifier);
    return {
      module: ProofsModule,
      imports: [AuditModule, ClientsModule, MetricsModule, RateLimitsModule],
      providers: [
        { provide: OfferedProofs, useValue: new OfferedProofs(proofs) },
        ProofGuesses,
        ...verifiers,
        {
          provide: ClientAuthenticator,
          inject: [ClientsService, ProofGuesses, ...verifiers],
          useFactory: (clients: ClientsService, guesses: ProofGuesses, ...made: readonly ProofVerifier[]) =>
            new ClientAuthenticator(
              clients,
              guesses,
              // Nest injects them in the order of `inject`.
              made.flatMap((verifier, n) => proofs.slice(n, n + 1).map((proof) => ({ proof, verifier }))),
            ),
        },
      ],
      exports: [OfferedProofs, ClientAuthenticator],
    };
  }
}
