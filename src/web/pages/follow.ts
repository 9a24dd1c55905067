/**
 * The script of a page that follows along. `#live` is replaced by what each event brings: our own HTML, escaped by our
 * templates. With events coming, the link to reload is not needed; when they stop without an end, it is there again.
 * Where no stream is to be had (too many, or a proxy that lets none through) the page is read again every few seconds.
 * After `end` the browser would connect again by itself; only a page that is marked `data-again` lets it.
 */
export const FOLLOW = `(function () {
  var live = document.getElementById('live'), reload = document.getElementById('reload');
  if (!live || !window.EventSource) return;
  var source = new EventSource(live.dataset.events);
  var show = function (yes) { if (reload) reload.hidden = !yes; };
  source.onopen = function () { show(false); };
  source.onerror = function () {
    show(true);
    if (source.readyState === 2 && reload) setTimeout(look, 5000);
  };
  var looks = 0;
  function look() {
    fetch(reload.querySelector('a').href, { credentials: 'same-origin' }).then(function (answer) { return answer.text(); }).then(function (text) {
      var page = new DOMParser().parseFromString(text, 'text/html'), now = page.getElementById('live');
      if (now) live.innerHTML = now.innerHTML; else if (page.getElementById('receipt')) return location.replace(reload.querySelector('a').href);
      if (++looks < 24) setTimeout(look, 5000);
    }, function () { if (++looks < 24) setTimeout(look, 5000); });
  }
  source.addEventListener('update', function (event) { live.innerHTML = event.data; });
  source.addEventListener('end', function (event) {
    if (event.data === 'pause' && 'again' in live.dataset) return;
    source.close(); show(event.data === 'pause');
  });
})();`;
