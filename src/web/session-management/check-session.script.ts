/**
 * The script of the frame at `check_session_iframe`, as text: it runs in browsers and is never compiled.
 *
 * Decisions:
 *
 * - SHA-256 is written out, once, for every browser. `crypto.subtle` is missing on http origins, and a second way that
 *   only some browsers take would be the one that is not tested.
 * - The answer goes to the origin that asked and to no other. The origin is part of the hash, so a page that is not the
 *   application's gets `changed`, whatever it sends (docs/threat-model.md#session-frame-spoofing).
 * - A frame that cannot read our cookies answers `error`, on which an application must not sign in again (§3.1).
 *   `changed` would send it through `prompt=none` for ever (§5.1). The browser is asked whether it gives this frame its
 *   cookies, and a probe is written and read, since some withhold them (`SameSite`, partitions) without saying so.
 * - No state although cookies can be read: they were cleared, which is a change.
 *
 * @see [Session Management 1.0](https://openid.net/specs/openid-connect-session-1_0.html) §3.2, §5.1
 */
export function checkSessionScript(cookie: { readonly name: string; readonly secure: boolean }): string {
  const probe = `${cookie.secure ? '__Host-' : ''}exeunt_probe`;
  const attributes = cookie.secure ? '; Path=/; Secure; SameSite=None' : '; Path=/; SameSite=Lax';
  return `'use strict';
(function () {
  var NAME = ${JSON.stringify(cookie.name)}, PROBE = ${JSON.stringify(probe)}, ATTRIBUTES = ${JSON.stringify(attributes)};
${SHA256}
  function read(name) {
    var pairs = '';
    try { pairs = document.cookie; } catch (refused) { return undefined; }
    pairs = pairs.split('; ');
    for (var i = 0; i < pairs.length; i += 1) {
      var at = pairs[i].indexOf('=');
      if (pairs[i].slice(0, at) === name) return pairs[i].slice(at + 1);
    }
    return undefined;
  }

  function probeIsKept() {
    try { document.cookie = PROBE + '=1; Max-Age=60' + ATTRIBUTES; } catch (refused) { return false; }
    var kept = read(PROBE) === '1';
    if (kept) document.cookie = PROBE + '=; Max-Age=0' + ATTRIBUTES;
    return kept;
  }

  /** Calls back with what to say when there is no state. */
  function withoutState(answer) {
    if (!probeIsKept()) return answer('error');
    if (typeof document.hasStorageAccess !== 'function') return answer('changed');
    document.hasStorageAccess().then(
      function (given) { answer(given ? 'changed' : 'error'); },
      function () { answer('error'); });
  }

  addEventListener('message', function (event) {
    // No page of an application has no origin, and there would be no origin to answer.
    if (!event.source || event.origin === 'null' || event.origin === '') return;
    function answer(word) { event.source.postMessage(word, event.origin); }
    // The client id may hold a space, what follows it does not (§2).
    var message = typeof event.data === 'string' ? /^(.+) ([0-9a-f]{64})\\.([A-Za-z0-9_-]+)$/.exec(event.data) : null;
    if (message === null) return answer('error');
    var state = read(NAME);
    if (state === undefined) return withoutState(answer);
    answer(sha256(message[1] + ' ' + event.origin + ' ' + state + ' ' + message[3]) === message[2] ? 'unchanged' : 'changed');
  });
})();
`;
}

/** FIPS 180-4 §6.2, over the UTF-8 of a string, in hex. */
const SHA256 = `  var K = [], PRIMES_ROOTS = [];
  (function () {
    function fraction(x) { return ((x - Math.floor(x)) * 4294967296) | 0; }
    for (var n = 2; K.length < 64; n += 1) {
      var prime = true;
      for (var d = 2; d * d <= n; d += 1) if (n % d === 0) { prime = false; break; }
      if (!prime) continue;
      if (PRIMES_ROOTS.length < 8) PRIMES_ROOTS.push(fraction(Math.pow(n, 1 / 2)));
      K.push(fraction(Math.pow(n, 1 / 3)));
    }
  })();

  function sha256(text) {
    var utf8 = unescape(encodeURIComponent(text)), words = [], length = utf8.length, h = PRIMES_ROOTS.slice(), i;
    for (i = 0; i < length; i += 1) words[i >> 2] |= utf8.charCodeAt(i) << (24 - (i % 4) * 8);
    words[length >> 2] |= 0x80 << (24 - (length % 4) * 8);
    var size = (((length + 8) >> 6) + 1) * 16;
    words[size - 1] = length * 8;
    function turn(x, n) { return (x >>> n) | (x << (32 - n)); }
    for (var block = 0; block < size; block += 16) {
      var w = [], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], j = h[7];
      for (i = 0; i < 64; i += 1) {
        if (i < 16) w[i] = words[block + i] | 0;
        else {
          var x = w[i - 15], y = w[i - 2];
          w[i] = (w[i - 16] + (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) + w[i - 7] + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10))) | 0;
        }
        var t = (j + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
        var u = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        j = g; g = f; f = e; e = (d + t) | 0; d = c; c = b; b = a; a = (t + u) | 0;
      }
      h = [h[0] + a | 0, h[1] + b | 0, h[2] + c | 0, h[3] + d | 0, h[4] + e | 0, h[5] + f | 0, h[6] + g | 0, h[7] + j | 0];
    }
    return h.map(function (word) { return ('0000000' + (word >>> 0).toString(16)).slice(-8); }).join('');
  }
`;
