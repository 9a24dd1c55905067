import type { DialectDescriptor } from '../../../src/web/dialects/dialect.js';
import { ToyErrorFilter } from './toy-error.filter.js';
import { ToyModule } from './toy.module.js';
import { NAME, TAG, TOY_ALARM, TOY_LOGOUT } from './vocabulary.js';

export const TOY: DialectDescriptor = {
  name: NAME,
  module: ToyModule,
  causes: [TOY_LOGOUT, TOY_ALARM],
  permissions: ['play'],
  paths: ['/toy/'],
  ownBody: true,
  errors: ToyErrorFilter,
  openApi: {
    tag: { name: TAG, description: 'A dialect that the tests bring.' },
    operations: { Toy_logout: { success: 'How many sessions ended: one, or none.' } },
  },
};
