// Checks an export of receipts: signatures, the chain, gaps, repeats. It shares no code with the service, so that a
// mistake there is not repeated here.
//
//   npm run verify-receipts -- receipts.ndjson --jwks keys.json
//   npm run verify-receipts -- receipts.ndjson --jwks http://localhost:3000/jwks [--issuer http://localhost:3000]
//
// With the end that an earlier run printed, an end that was cut since does not go unnoticed:
//
//   npm run verify-receipts -- receipts.ndjson --jwks keys.json --after 7 --head HASH
//
// where the file is the whole export or that of `/admin/v1/receipts?after=7`.
//
// `/jwks` has the keys of today; `/admin/v1/receipts/jwks` (to a file) those of older receipts, too.
//
// The export may begin anywhere: retention removes the oldest receipts. Exit code 1 when anything is wrong, and
// when there is nothing to check: an export that was cut off before its first byte looks so.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { compactVerify, decodeProtectedHeader, importJWK } from 'jose';

const TYP = 'logout-receipt+jwt';
const MAX_PROBLEMS = 20;
const PROGRESS_EVERY = 10_000;

const say = (line) => void process.stdout.write(`${line}\n`);
const usage = 'usage: npm run verify-receipts -- FILE --jwks URL|FILE [--issuer URL] [--after SEQUENCE] [--head HASH]';

/** @returns {Promise<Map<string, import('jose').JWK>>} */
async function readKeys(source) {
  const isUrl = /^https?:\/\//.test(source);
  const response = isUrl ? await fetch(source) : undefined;
  if (response?.ok === false) throw new Error(`${source} answered ${response.status}`);
  const { keys } = isUrl ? await response.json() : JSON.parse(await readFile(source, 'utf8'));
  if (!Array.isArray(keys)) throw new Error(`${source} holds no key set`);
  return new Map(keys.filter((key) => key.alg === 'ES256').map((key) => [key.kid, key]));
}

/** The claims of a receipt that is signed by one of the keys, or what is wrong with it. */
async function claimsOf(jws, keys, imported) {
  let header;
  try {
    header = decodeProtectedHeader(jws);
  } catch {
    return { problem: 'the receipt is no JWS' };
  }
  if (header.typ !== TYP) return { problem: `the JWS is a ${String(header.typ)}, not a ${TYP}` };
  const jwk = keys.get(header.kid);
  if (jwk === undefined) return { problem: `the key ${String(header.kid)} is not in the key set` };
  if (!imported.has(header.kid)) imported.set(header.kid, await importJWK(jwk, 'ES256'));
  try {
    const { payload } = await compactVerify(jws, imported.get(header.kid), { algorithms: ['ES256'] });
    const claims = JSON.parse(new TextDecoder().decode(payload));
    // Only the key set of receipts says when a key signs (`nbf`, `exp`).
    if (claims.iat < (jwk.nbf ?? -Infinity) || claims.iat > (jwk.exp ?? Infinity))
      return {
        problem: `the key ${String(header.kid)} did not sign at that time: it is forged, or the clock was wrong`,
      };
    return { claims };
  } catch {
    return { problem: 'the signature does not fit: the receipt was changed, or is none of that key' };
  }
}

/** What one line says wrongly, in words. `before` is the line above, undefined for the first. */
function problemsOf(line, claims, before, seen, issuer) {
  const problems = [];
  const hash = createHash('sha256').update(line.receipt, 'ascii').digest('base64url');
  if (line.hash !== hash) problems.push('its hash is not that of its receipt');
  for (const [member, claim] of [
    ['sequence', 'sequence'],
    ['termination_id', 'termination_id'],
    ['revision', 'revision'],
    ['previous_hash', 'previous'],
  ]) {
    if (line[member] !== claims[claim]) problems.push(`${member} is not what the receipt says`);
  }
  if (issuer !== undefined && claims.iss !== issuer) problems.push(`it is a receipt of ${String(claims.iss)}`);
  const key = `${claims.termination_id} ${claims.revision}`;
  if (seen.has(key)) problems.push('there is another receipt of this revision of this termination');
  seen.add(key);
  if (before === undefined) {
    if (claims.sequence === 1 && claims.previous !== null) problems.push('the first of all must name none before it');
    if (claims.sequence !== 1 && typeof claims.previous !== 'string') problems.push('it names no receipt before it');
    return { hash, problems };
  }
  if (claims.sequence === before.sequence) problems.push(`the sequence ${claims.sequence} is there twice`);
  else if (claims.sequence < before.sequence)
    problems.push(`it is out of order: ${claims.sequence} after ${before.sequence}`);
  else if (claims.sequence > before.sequence + 1) {
    const last = claims.sequence - 1;
    const missing = last === before.sequence + 1 ? `${last} is` : `${before.sequence + 1} to ${last} are`;
    problems.push(`there is a gap: ${missing} missing`);
  } else if (claims.previous !== before.hash)
    problems.push('the chain is broken: it names another receipt before it than the one that is there');
  return { hash, problems };
}

/**
 * What the export says wrongly of the end that was kept, in words; undefined when it leads to it. `hashAt` is
 * the hash of the receipt that was kept, where it is in the file.
 */
function problemOfKept({ after, head }, first, last, hashAt, previousOfFirst) {
  if (after !== undefined) {
    if (last.sequence < after)
      return `the end was cut off: receipt ${after} was there, and it ends at ${last.sequence}`;
    if (first > after + 1) return `it begins at ${first}: what leads there from receipt ${after} is missing`;
    const found = first === after + 1 ? previousOfFirst : hashAt;
    return head === undefined || found === head
      ? undefined
      : `receipt ${after} is another one than was kept: the history was written anew`;
  }
  return head === undefined || hashAt === head || previousOfFirst === head
    ? undefined
    : 'the receipt that was kept is not there: the end was cut off, or the history was written anew';
}

async function verify(file, keys, issuer, kept) {
  const { size } = await stat(file);
  const input = createReadStream(file, 'utf8');
  const imported = new Map();
  const seen = new Set();
  let number = 0;
  let wrong = 0;
  let before;
  let first;
  let previousOfFirst;
  let hashAtKept;
  const complain = (words) => {
    wrong += 1;
    if (wrong <= MAX_PROBLEMS) say(`line ${number}: ${words}`);
    if (wrong === MAX_PROBLEMS + 1) say('… and more');
  };
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    if (text === '') continue;
    if (number % PROGRESS_EVERY === 0) {
      const percent = size === 0 ? 100 : Math.floor((input.bytesRead / size) * 100);
      process.stderr.write(`${number} lines, ${percent} % read\n`);
    }
    let line;
    try {
      line = JSON.parse(text);
    } catch {
      complain('it is no JSON; the export may have been cut off');
      continue;
    }
    if (typeof line?.receipt !== 'string') {
      complain('it holds no receipt');
      continue;
    }
    const { claims, problem } = await claimsOf(line.receipt, keys, imported);
    if (claims === undefined) {
      complain(problem);
      // The chain goes on from what the line claims, so that one wrong line is not every line after it.
      if (Number.isSafeInteger(line.sequence)) before = { sequence: line.sequence, hash: line.hash };
      continue;
    }
    const { hash, problems } = problemsOf(line, claims, before, seen, issuer);
    for (const words of problems) complain(words);
    if (first === undefined) [first, previousOfFirst] = [claims.sequence, claims.previous];
    if (kept.after === undefined ? hash === kept.head : claims.sequence === kept.after) hashAtKept = hash;
    before = { sequence: claims.sequence, hash };
  }
  const cut =
    before === undefined || first === undefined
      ? undefined
      : problemOfKept(kept, first, before, hashAtKept, previousOfFirst);
  if (cut !== undefined) {
    wrong += 1;
    say(cut);
  }
  if (wrong > 0) say(`${wrong} ${wrong === 1 ? 'thing is' : 'things are'} wrong.`);
  else if (before === undefined) say('The file holds no receipts, so nothing was checked.');
  else {
    say(
      `${seen.size} ${seen.size === 1 ? 'receipt' : 'receipts'}, ${first} to ${before.sequence}: every signature fits, the chain is whole.`,
    );
    if (first !== 1) say(`It begins at ${first}: what came before was not looked at.`);
    if (kept.after !== undefined || kept.head !== undefined) say('It leads to the end that was kept.');
    say(`Its end is ${before.hash}; keep that, and a later export cannot leave out its own end unnoticed:`);
    say(`--after ${before.sequence} --head ${before.hash}`);
  }
  return wrong === 0 && before !== undefined;
}

/** A hash may begin with a dash, and would be taken for an option of its own where it stands apart. */
function withJoinedHead(args) {
  const at = args.indexOf('--head');
  return at === -1 || at + 1 === args.length ? args : args.toSpliced(at, 2, `--head=${args[at + 1]}`);
}

try {
  const { values, positionals } = parseArgs({
    args: withJoinedHead(process.argv.slice(2)),
    allowPositionals: true,
    options: {
      jwks: { type: 'string' },
      issuer: { type: 'string' },
      after: { type: 'string' },
      head: { type: 'string' },
    },
  });
  const [file] = positionals;
  if (file === undefined || values.jwks === undefined || positionals.length > 1) throw new Error(usage);
  const after = values.after === undefined ? undefined : Number(values.after);
  if (after !== undefined && (!Number.isSafeInteger(after) || after < 0)) throw new Error(usage);
  const kept = { after, head: values.head };
  process.exitCode = (await verify(file, await readKeys(values.jwks), values.issuer, kept)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
