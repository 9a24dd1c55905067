import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

/** Starts a Node program and waits until it has printed `ready`. `stop` sends SIGTERM and waits. */
export async function start(program, env, { ready = 'ready', cwd } = {}) {
  const child = spawn(process.execPath, [program], {
    cwd,
    env: { ...withoutNpm(), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
  });
  await new Promise((resolve, reject) => {
    child.stdout.on('data', (data) => {
      output = (output + data).slice(-20_000);
      if (output.includes(ready)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`${program} ended with ${code}: ${output}`)));
  });
  return {
    pid: child.pid,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** A service that npm started watches npm. */
function withoutNpm() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
}

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

/** An interrupted run leaves no server behind: Postgres is a process group of its own. */
export function stopWhenInterrupted(stop) {
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => {
      void stop().finally(() => process.exit(130));
    });
}
