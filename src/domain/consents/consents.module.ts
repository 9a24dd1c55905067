import { Module } from '@nestjs/common';
import { ConsentRepository } from './consent.repository.js';
import { ConsentsService } from './consents.service.js';

@Module({ providers: [ConsentRepository, ConsentsService], exports: [ConsentsService] })
export class ConsentsModule {}
