import { codeOf } from './storage-errors.js';

describe('what a log says about an error', () => {
  it.each<[string, unknown]>([
    ['57P01', Object.assign(new Error('terminating connection'), { name: 'error', code: '57P01' })],
    ['23505', Object.assign(new Error('key (login)=(mia) exists'), { driverError: { code: '23505' } })],
    ['ECONNREFUSED', Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })],
    ['no connection', new Error('Connection terminated unexpectedly')],
    ['no connection', new Error('timeout exceeded when trying to connect')],
    ['no connection', new Error('Query read timeout')],
    ['TypeError', new TypeError('of a person called mia')],
    ['string', 'mia'],
  ])('%s, and not a word of its message', (code, error) => {
    expect(codeOf(error)).toBe(code);
  });
});
