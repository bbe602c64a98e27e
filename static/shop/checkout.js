/*
 * checkout.js: a checkout page that lives as long as its admission. Needs handoff.js before it; works on any server
 * that writes these attributes (templates/shop/checkout.html and examples/external_checkout/pages.py do):
 *
 *   <main data-checkout data-admission="id" data-expires-at="..." data-server-time="..." data-status="/checkout/status"
 *         data-after="/checkout" data-parent-origin="https://launch.example">
 *   [data-clock] [data-clock-box] [data-say] [data-checking] [data-over] form[data-pay] form[data-give-up]
 *
 * or, where the server knows of no admission yet, <main data-claim="/checkout/claim" data-after="/checkout">.
 *
 * Without it the page still pays: forms post, the server validates and answers.
 */
(function (window, document) {
  "use strict";

  const {handoff, ask, safeAddress} = window.Offerkeep;
  const main = document.querySelector("main");
  const show = (name, on) => main.querySelectorAll(`[data-${name}]`).forEach((found) => { found.hidden = !on; });
  const say = (text) => { main.querySelectorAll("[data-say]").forEach((found) => { found.textContent = text; }); };
  const csrf = () => (main.querySelector("[name=csrfmiddlewaretoken]") || {}).value;
  const headers = () => (csrf() ? {"X-CSRFToken": csrf()} : {});

  /* Tell the page around us, if it is the one we know; nobody else hears it. */
  function tell(event, more) {
    const origin = main.dataset.parentOrigin;
    if (origin && window.parent !== window) {
      window.parent.postMessage({type: "offerkeep.checkout", event, ...more}, origin);
    }
  }

  function embedded() {
    return Boolean(main.dataset.parentOrigin) && window.parent !== window;
  }

  /* --- no admission known to the server yet: is there one in this tab? --- */

  async function arrive() {
    const carried = handoff();
    show("refused", false);
    show("arriving", true);
    const answer = await carried.resume({
      claim: main.dataset.claim,
      headers: headers(),
      onChecking: (on) => show("checking", on),
    });
    if (answer.valid) {
      window.location.replace(safeAddress(main.dataset.after).href);
      return;
    }
    show("arriving", false);
    show("refused", true);
  }

  /* --- an open checkout --- */

  function keepTexts(form, admission) {
    const key = `offerkeep.form.${admission}`;
    const kept = () => [...form.querySelectorAll("[data-keep]")];
    const storage = (work) => {
      try {
        return work(window.sessionStorage);
      } catch (error) {
        return null;
      }
    };
    const before = JSON.parse(storage((place) => place.getItem(key)) || "{}");
    kept().forEach((field) => { if (!field.value && before[field.name]) field.value = before[field.name]; });
    const keep = () => {
      const texts = Object.fromEntries(kept().map((field) => [field.name, field.value]));
      storage((place) => place.setItem(key, JSON.stringify(texts)));
    };
    keep(); // whoever was quick typed before this script was there
    form.addEventListener("input", keep);
    return () => storage((place) => place.removeItem(key));
  }

  function open() {
    const {admission, expiresAt, serverTime, status, after} = main.dataset;
    const pay = main.querySelector("form[data-pay]");
    const giveUp = main.querySelector("form[data-give-up]");
    const button = pay.querySelector("button");
    const label = button.textContent;
    const carried = handoff();
    const forgetTexts = keepTexts(pay, admission);
    let live = true; // an unexpired admission and an unsent form
    let sending = false;

    carried.know({admission_id: admission, expires_at: expiresAt, server_time: serverTime});
    if (embedded()) document.documentElement.classList.add("embedded");
    tell("open", {admission_id: admission, expires_at: expiresAt, server_time: serverTime});

    const warn = (event) => {
      if (!live) return;
      event.preventDefault();
      event.returnValue = "";
    };
    window.addEventListener("beforeunload", warn);

    function end(kind) {
      live = false;
      window.removeEventListener("beforeunload", warn);
      button.disabled = true;
      if (giveUp) giveUp.hidden = true;
      show("checking", false);
      show("over", true);
      tell(kind, {admission_id: admission});
      forgetTexts();
    }

    /* Time over: did a payment begin before, in another tab or with an answer that was lost? Then the page says so. */
    async function whetherPaying() {
      const asked = {method: "POST", credentials: "same-origin", body: "{}",
        headers: {"Content-Type": "application/json", ...headers()}};
      const {body} = await ask(status, asked);
      if (body.paying) leave();
    }

    function leave() {
      live = false;
      window.removeEventListener("beforeunload", warn);
      window.location.replace(safeAddress(after).href);
    }

    const clock = carried.onExpiring(
      ({secondsLeft, text, announce, over}) => {
        main.querySelectorAll("[data-clock]").forEach((found) => { found.textContent = text; });
        main.querySelectorAll("[data-clock-box]").forEach((box) => {
          box.classList.toggle("short", secondsLeft <= 60 && !over);
          box.classList.toggle("over", over);
        });
        if (announce) say(announce);
        if (over && !sending) {
          end("expired");
          carried.complete("expired");
          whetherPaying().catch(() => {});
        }
      },
      {
        sync: status,
        headers: headers(),
        onChecking: (on) => {
          show("checking", on);
          say(on ? "Checking your place…" : "Your place is kept.");
        },
        onAnswer: (answer) => {
          if (answer.valid === false && !sending) leave(); // the server's page says why
        },
      },
    );
    clock.again(); // validate as soon as the page is there, not only on submit
    carried.onEnded(leave);

    pay.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (sending || !live) return;
      sending = true;
      button.disabled = true;
      button.textContent = "Paying…";
      say("Paying…");
      try {
        const answer = await ask.raw(pay.action, new URLSearchParams(new FormData(pay)), (on) => {
          show("checking", on);
          say(on ? "Checking your place…" : "Paying…");
        });
        if (answer.type === "opaqueredirect" || answer.ok) {
          leave();
        } else {
          live = false;
          pay.submit(); // let the server say in its own words what it refused
        }
      } finally {
        sending = false;
        button.textContent = label;
        button.disabled = clock.left() === null || clock.left() <= 0;
      }
    });

    if (giveUp) {
      giveUp.addEventListener("submit", () => {
        live = false;
        window.removeEventListener("beforeunload", warn);
        forgetTexts();
        carried.complete("released");
        tell("released", {admission_id: admission});
      });
    }
  }

  /* --- an outcome: nothing of the admission stays in any tab --- */

  function close() {
    const carried = handoff();
    carried.know({admission_id: main.dataset.admission});
    carried.complete(main.dataset.outcome);
    try {
      Object.keys(window.sessionStorage)
        .filter((key) => key.startsWith("offerkeep.form."))
        .forEach((key) => window.sessionStorage.removeItem(key));
    } catch (error) {
      /* a browser that keeps nothing for frames of other sites: then nothing was kept */
    }
    tell(main.dataset.outcome, {admission_id: main.dataset.admission, order_id: main.dataset.order});
  }

  /** POST a form until somebody answers; a redirect is an answer. The server makes paying twice one order. */
  ask.raw = async function (url, body, onChecking) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answer = await window.fetch(url, {
          method: "POST",
          body,
          redirect: "manual",
          credentials: "same-origin",
          headers: {Accept: "text/html"},
        });
        if (answer.type === "opaqueredirect" || answer.status < 500) {
          if (attempt) onChecking(false);
          return answer;
        }
      } catch (error) {
        /* no answer: asked again below */
      }
      onChecking(true);
      const wait = [1000, 2000, 4000][attempt] || 10000;
      await new Promise((go) => window.setTimeout(go, wait + Math.random() * wait * 0.2));
    }
  };

  if (main.dataset.claim && handoff().carries()) arrive();
  else if (main.dataset.outcome) close();
  else if ("checkout" in main.dataset) open();
})(window, document);
