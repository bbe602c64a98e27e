/*
 * widget.js: shows session offers on a shop's page. No dependencies; copy it or link it.
 *
 * The page has, in this order:
 *   <script src="/session-offers/config.js"></script>    sessionOfferUrl, applyToCartUrl (with %c), channelPrefix, sessionFingerprint
 *   <section data-offer data-src="/shop/offers" hidden></section>
 *   <script src="/static/shop/widget.js"></script>
 *
 * data-src answers {"data": [{code, grant, title, text}]}: what the shop's server was told to show to this visit
 * (POST /session-offers/v1/present with the visit's fingerprint and a secret key). For an offer the widget
 *   1. calls sessionOfferUrl, %c replaced by the code, the grant added, and waits; twice more if it fails;
 *   2. only then shows title, text and code, with Copy code, and Apply where the page set applyToCartUrl.
 * An offer whose call fails is not shown: one that does not work is worse than none.
 * A page that sets window.onSessionOfferApply = function (code) {...} is asked instead of being left.
 */
(function () {
  "use strict";

  var TRIES = 3;
  var PAUSE = 400; // milliseconds before the second try, twice that before the third

  function address(template, code, grant) {
    var filled = template.replace("%c", encodeURIComponent(code));
    return filled + (grant ? (filled.indexOf("?") < 0 ? "?" : "&") + "grant=" + encodeURIComponent(grant) : "");
  }

  function wait(milliseconds) {
    return new Promise(function (done) { setTimeout(done, milliseconds); });
  }

  /* Tell the server that this code is about to be shown; rejects when it will not have it. */
  function authorize(offer, attempt) {
    return fetch(address(window.sessionOfferUrl, offer.code, offer.grant), { credentials: "same-origin", keepalive: true })
      .then(function (answer) {
        if (!answer.ok) {
          var refused = new Error("refused with " + answer.status);
          refused.final = answer.status < 500 && answer.status !== 429;
          throw refused;
        }
      })
      .catch(function (error) {
        if (error.final || attempt >= TRIES) throw error;
        return wait(PAUSE * attempt).then(function () { return authorize(offer, attempt + 1); });
      });
  }

  function element(name, text, kind) {
    var made = document.createElement(name);
    if (text) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  function copy(text, field) {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    var range = document.createRange();
    range.selectNodeContents(field);
    var selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return document.execCommand("copy") ? Promise.resolve() : Promise.reject(new Error("not copied"));
  }

  var shown = 0;

  function show(place, offer) {
    var card = element("div", "", "offer");
    var title = element("strong", offer.title);
    var words = element("div", "", "offer-words");
    var code = element("code", offer.code);
    var said = element("p", "", "hint");
    said.setAttribute("role", "status");
    // Several offers may stand here: each is a group named by its title, which also describes its buttons.
    title.id = "session-offer-" + (shown += 1);
    card.setAttribute("role", "group");
    card.setAttribute("aria-labelledby", title.id);
    words.appendChild(title);
    if (offer.text) words.appendChild(element("p", offer.text));
    words.appendChild(code);
    words.appendChild(said);
    var buttons = element("div", "", "actions");
    if (window.applyToCartUrl) {
      var apply = element("button", "Apply");
      apply.type = "button";
      apply.setAttribute("aria-describedby", title.id);
      apply.addEventListener("click", function () {
        if (typeof window.onSessionOfferApply === "function") window.onSessionOfferApply(offer.code);
        else window.location.assign(address(window.applyToCartUrl, offer.code));
      });
      buttons.appendChild(apply);
    }
    var copied = element("button", "Copy code", "quiet");
    copied.type = "button";
    copied.setAttribute("aria-describedby", title.id);
    copied.addEventListener("click", function () {
      copy(offer.code, code).then(
        function () { said.textContent = "Copied."; },
        function () { said.textContent = "Please select the code and copy it."; }
      );
    });
    buttons.appendChild(copied);
    card.appendChild(words);
    card.appendChild(buttons);
    place.appendChild(card);
    place.hidden = false;
  }

  function fill(place) {
    if (!window.sessionOfferUrl) return;
    fetch(place.dataset.src, { credentials: "same-origin", headers: { Accept: "application/json" } })
      .then(function (answer) { return answer.ok ? answer.json() : { data: [] }; })
      .then(function (found) {
        found.data.forEach(function (offer) {
          authorize(offer, 1).then(function () { show(place, offer); }, function () { /* not shown */ });
        });
      })
      .catch(function () { /* no offers today */ });
  }

  document.querySelectorAll("[data-offer]").forEach(fill);
})();
