import { setTimeout as wait } from 'node:timers/promises';
import { Connection } from './http.mjs';

/** How many notices the applications have received, by provider. */
export class Receivers {
  constructor(base) {
    this.connection = new Connection(base);
  }

  async count(name) {
    return JSON.parse((await this.connection.get('/counts')).text)[name] ?? 0;
  }

  async until(name, expected, limitMs) {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const count = await this.count(name);
      if (count >= expected) return;
      if (performance.now() > deadline) throw new Error(`${name}: ${count} of ${expected} notices came`);
      await wait(20);
    }
  }

  close() {
    return this.connection.close();
  }
}
