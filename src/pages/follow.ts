/**
 * The script of a page that follows along. `#live` is replaced by what each event brings: HTML of ours, escaped by our
 * templates. With events coming, the link to reload is not needed; when they stop without an end, it is there again.
 * After `end` the browser would ask again by itself: it is let to only on a page that is marked `data-again`.
 */
export const FOLLOW = `(function () {
  var live = document.getElementById('live'), reload = document.getElementById('reload');
  if (!live || !window.EventSource) return;
  var source = new EventSource(live.dataset.events);
  var show = function (yes) { if (reload) reload.hidden = !yes; };
  source.onopen = function () { show(false); };
  source.onerror = function () { show(true); };
  source.addEventListener('update', function (event) { live.innerHTML = event.data; });
  source.addEventListener('end', function (event) {
    if (event.data === 'pause' && 'again' in live.dataset) return;
    source.close(); show(event.data === 'pause');
  });
})();`;
