import { InvalidRequestError } from '../../platform/oidc/errors.js';
import { reasonOf } from './failure.js';

describe('why something failed, as a record may keep it', () => {
  it.each([
    [new InvalidRequestError('iat is in the future.'), 'iat is in the future.'],
    [Object.assign(new Error('value "secret" is too long'), { code: '22001' }), 'a value that cannot be stored'],
    [Object.assign(new Error('secret'), { code: '57P01' }), 'storage failed'],
    [new TypeError('secret'), 'a fault of ours'],
  ] as const)('says of %s in our own words why', (error, reason) => {
    expect(reasonOf(error)).toBe(reason);
  });
});
