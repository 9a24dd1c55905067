import { Module } from '@nestjs/common';
import { LogoutModule } from '../../../src/domain/logout/logout.module.js';
import { TokensModule } from '../../../src/domain/tokens/tokens.module.js';
import { ToyErrorFilter } from './toy-error.filter.js';
import { ToyController } from './toy.controller.js';

@Module({ imports: [LogoutModule, TokensModule], controllers: [ToyController], providers: [ToyErrorFilter] })
export class ToyModule {}
