/*
 * waiting.js: keeps a waiting page up to date and hands an admission to the checkout. Needs handoff.js before it.
 * Without it the page reloads itself by a meta refresh, and Checkout is a plain link.
 */
(function (window, document) {
  "use strict";

  const {handoff, ask} = window.Offerkeep;
  const main = document.querySelector("main[data-waiting]");
  const {stage, status} = main.dataset;
  const find = (name) => main.querySelector(`[data-${name}]`);
  const say = (text) => { find("say").textContent = text; };
  const carried = handoff({api: window.location.pathname.replace(/\/$/, "")});

  main.querySelectorAll("[data-moment]").forEach((found) => {
    const moment = new Date(found.dateTime);
    found.title = found.textContent;
    found.textContent = moment.toLocaleString("en-GB", {dateStyle: "full", timeStyle: "short"});
  });

  /* A form on its way (a bid, joining, leaving) brings the next page itself: a reload would cut it off. */
  let sending = false;
  document.addEventListener("submit", () => { sending = true; });
  window.addEventListener("pageshow", () => { sending = false; });
  function reload() {
    if (!sending) window.location.reload();
  }

  let pollAfter = Number(main.dataset.poll) || 15;
  let lookedAt = window.performance.now();
  function look() {
    lookedAt = window.performance.now();
    return ask(status, {cache: "no-store", headers: {Accept: "application/json"}}, {
      tries: 0,
      onChecking: (on) => { find("checking").hidden = !on; },
    });
  }

  /* --- waiting --- */

  function inWords(seconds) {
    if (seconds === null) return "a moment";
    if (seconds < 60) return "less than a minute";
    const minutes = Math.ceil(seconds / 60);
    if (minutes < 60) return `about ${minutes} minute${minutes > 1 ? "s" : ""}`;
    const hours = Math.ceil(minutes / 60);
    return `about ${hours} hour${hours > 1 ? "s" : ""}`;
  }

  function progress(ahead) {
    const bar = find("progress");
    if (!bar) return;
    let first = ahead;
    try {
      const key = `offerkeep.line.${bar.dataset.line}`;
      first = Math.max(ahead, Number(window.sessionStorage.getItem(key)) || 0);
      window.sessionStorage.setItem(key, String(first));
    } catch (error) {
      /* no storage, no memory of where we began */
    }
    bar.value = ahead === 0 ? 96 : Math.max(4, 100 * (1 - (ahead + 1) / (first + 1)));
  }

  let told = null;
  function paint(found) {
    const ahead = found.people_ahead;
    if (ahead === null || !find("ahead")) return;
    find("ahead").textContent = ahead;
    find("ahead-words").textContent = ahead === 1 ? "person ahead" : "people ahead";
    find("wait").textContent = found.paused ? "paused" : inWords(found.estimated_wait_seconds);
    progress(ahead);
    if (told !== null && told !== ahead) say(`${ahead} ${ahead === 1 ? "person" : "people"} ahead`);
    told = ahead;
  }

  /* A draw or an auction: what the page says has changed, and nobody is typing a bid. */
  function outdated(found) {
    const shown = main.dataset.standing;
    const bid = document.getElementById("amount");
    if (shown === undefined || (bid && bid.value)) return false;
    return shown !== `${found.status || ""} ${found.highest_bid || ""}${found.paused ? " paused" : ""}`;
  }

  async function wait(seconds) {
    await new Promise((go) => window.setTimeout(go, Math.max(1, seconds) * 1000));
    const {ok, body: found} = await look();
    if (!ok || found.stage !== stage || outdated(found) || (found.people_ahead === null) !== !find("ahead")) {
      reload();
      return;
    }
    paint(found);
    pollAfter = found.poll_after_seconds || 15;
    wait(pollAfter);
  }

  if (find("ahead")) progress(Number(find("ahead").textContent));
  const alive = stage === "participating" || stage === "upcoming";
  if (alive || (stage === "active_enterable" && main.dataset.standing !== undefined)) {
    wait(Number(main.dataset.poll));
    document.addEventListener("visibilitychange", async () => {
      // What is shown is fresh enough: asking more often than this is refused.
      if (document.hidden || window.performance.now() - lookedAt < pollAfter * 500) return;
      const {body: found} = await look();
      if (found.stage !== stage) reload();
      else paint(found);
    });
  }

  /* --- admitted --- */

  function admitted() {
    carried.know({
      admission_id: main.dataset.admission,
      expires_at: main.dataset.expiresAt,
      server_time: main.dataset.serverTime,
    });
    say("It's your turn");
    carried.onExpiring(({secondsLeft, text, announce, over}) => {
      find("clock").textContent = text;
      find("clock-box").classList.toggle("short", secondsLeft <= 60);
      if (announce) say(announce);
      if (over) reload();
    });
    carried.onEnded(reload);
    const {pattern, checkout} = main.dataset;
    if (pattern === "url") return; // the link is the whole of it
    find("go").addEventListener("click", async (event) => {
      event.preventDefault();
      const {body: found} = await look();
      if (!found.admission) {
        reload();
        return;
      }
      try {
        await carried.start({token: found.admission.token, checkout, pattern});
      } catch (error) {
        window.location.assign(event.target.href); // the way that needs no script
      }
    });
  }

  if (stage === "admitted") admitted();
})(window, document);
