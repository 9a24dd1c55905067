/**
 * The script of every page with a form: the first click counts, a second one while the answer is on its way does not.
 * Buttons work again when the person comes Back to the page, or when no response has come for ten seconds. They are
 * switched off only after the form's data were taken, which hold the button's own value. Without scripts the server
 * copes.
 */
export const SEND_ONCE = `(function () {
  var sent = false;
  var mark = function (yes) {
    sent = yes;
    document.querySelectorAll('form button').forEach(function (button) { button.disabled = yes; });
  };
  addEventListener('submit', function (event) {
    if (sent) return event.preventDefault();
    sent = true;
    setTimeout(mark, 0, true);
    setTimeout(mark, 10000, false);
  });
  addEventListener('pageshow', function () { mark(false); });
})();`;
