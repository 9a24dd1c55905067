import { validate, version } from 'uuid';
import { firstIdOf, newId, sameMoment, timeOrderedId } from './time-ordered-id.js';

const NOON = new Date('2026-03-01T12:00:00.000Z');
const LATER = new Date(NOON.getTime() + 1);

describe('new ids', () => {
  it('are UUIDs of version 7, all different, also of one pool of random bytes and of the next', () => {
    const ids = Array.from({ length: 1000 }, () => newId());
    expect(ids.filter((id) => !validate(id) || version(id) !== 7)).toEqual([]);
    expect(new Set(ids.map((id) => id.slice(-12))).size).toBe(1000);
  });
});

describe('ids in the order of time', () => {
  it('are UUIDs of version 7, all different', () => {
    const ids = Array.from({ length: 1000 }, () => timeOrderedId(NOON));
    expect(ids.filter((id) => !validate(id) || version(id) !== 7)).toEqual([]);
    expect(new Set(ids).size).toBe(1000);
  });

  it('go up within a millisecond, whatever is made for other times in between', () => {
    const ids = Array.from({ length: 1000 }, (_, n) => {
      if (n % 3 === 0) timeOrderedId(n % 2 === 0 ? LATER : new Date(0));
      return timeOrderedId(NOON);
    });
    expect(ids.toSorted()).toEqual(ids);
  });

  it('lie between the first ones of their moment and of the next', () => {
    const ids = Array.from({ length: 1000 }, () => timeOrderedId(NOON));
    expect(ids.filter((id) => id < firstIdOf(NOON) || id >= firstIdOf(LATER))).toEqual([]);
    const { from, to } = sameMoment(timeOrderedId(NOON));
    expect(ids.filter((id) => id < from || id > to)).toEqual([]);
    expect(from).toBe(firstIdOf(NOON));
    expect(to < firstIdOf(LATER)).toBe(true);
  });
});
