/*
 * handoff.js: carries an admission from a waiting page to a checkout, on the same site or another one.
 *
 * No dependencies, no build: link it or copy it. Four calls and a clock.
 *
 *   // 1. The waiting page, when the status document says stage "admitted":
 *   const handoff = Offerkeep.handoff({api: "https://offers.example/admission/v1", key: "pk_...", consumer: "..."});
 *   await handoff.start({token, checkout: "https://shop.example/checkout", pattern: "module"});
 *
 *   // 2. The checkout page, as soon as it loads. `claim` is an address of the shop's own server: it gets
 *   //    {code} or {token} (or {} after a reload), asks the admission API with its secret key, keeps the token to
 *   //    itself in an HttpOnly cookie or a session, and answers {valid, reason, expires_at, server_time}.
 *   const handoff = Offerkeep.handoff();
 *   const admission = await handoff.resume({claim: "/checkout/claim", onChecking: showChecking});
 *   if (admission.valid) showForm();
 *
 *   // 3. Say what is left; the last call comes at 0.
 *   handoff.onExpiring(({secondsLeft, text, announce}) => {...}, {sync: "/checkout/claim"});
 *
 *   // 4. The order is stored (or the place given up): forget the token, here and in every other tab.
 *   handoff.complete();
 *
 * Patterns of start():
 *   "module"           a one-time code (60 s) goes in the address; any origin the retailer allows
 *   "url"              the same, for checkouts without this file
 *   "session_storage"  the token stays in this tab's sessionStorage; same origin only, no code, no address
 *
 * Promises: a token is never put into an address, a log or a message to another page; only http(s) addresses are
 * gone to; no answer (network, 5xx) is never taken for "not valid": it is asked again after 1, 2 and 4 s, then
 * every 10 s, and `onChecking(true)` is called meanwhile. The shopper's own clock is not trusted.
 */
(function (window) {
  "use strict";

  const KEY = "offerkeep.admission";
  const CHANNEL = "offerkeep.admission";
  const WAITS = [1000, 2000, 4000];
  const SLOW = 10000;
  const SAY_AT = [[300, "5 minutes"], [120, "2 minutes"], [60, "1 minute"], [30, "30 seconds"]];

  const pause = (ms) => new Promise((go) => window.setTimeout(go, ms));

  /* --- asking --- */

  class NoAnswer extends Error {
    constructor(why, afterSeconds) {
      super(why);
      this.after = (Number(afterSeconds) || 0) * 1000; // the server said when to come back
    }
  }

  async function once(url, options) {
    let answer;
    try {
      answer = await window.fetch(url, options);
    } catch (error) {
      throw new NoAnswer("network");
    }
    if (answer.status >= 500 || answer.status === 429) {
      throw new NoAnswer(String(answer.status), answer.headers.get("Retry-After"));
    }
    let body = {};
    try {
      body = await answer.json();
    } catch (error) {
      if (answer.ok) throw new NoAnswer("cut off");
    }
    return {ok: answer.ok, status: answer.status, body};
  }

  /** Ask until there is an answer, or `tries` are used up (0: never give up). Jitter keeps a crowd from coming at once. */
  async function ask(url, options, {tries = 4, onChecking = () => {}} = {}) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const found = await once(url, options);
        if (attempt > 1) onChecking(false);
        return found;
      } catch (error) {
        if (!(error instanceof NoAnswer) || attempt === tries) throw error;
        onChecking(true);
        const wait = Math.max(WAITS[attempt - 1] || SLOW, error.after);
        await pause(wait + Math.random() * wait * 0.2);
      }
    }
  }

  function posted(body, headers) {
    return {
      method: "POST",
      credentials: "same-origin",
      cache: "no-store",
      referrerPolicy: "no-referrer",
      headers: {"Content-Type": "application/json", Accept: "application/json", ...headers},
      body: JSON.stringify(body),
    };
  }

  /* --- addresses and storage --- */

  /** Return an absolute http(s) address, or refuse: javascript:, data: and the like lead nowhere. */
  function safeAddress(text) {
    const address = new URL(text, window.location.href);
    if (!/^https?:$/.test(address.protocol) || address.username || address.password) {
      throw new Error("Only http and https addresses can be a checkout");
    }
    return address;
  }

  /** Take a one-time code out of this page's address, so that neither reload, history nor Referer has it. */
  function takeCode(name) {
    const address = new URL(window.location.href);
    const code = address.searchParams.get(name);
    if (code !== null) {
      address.searchParams.delete(name);
      window.history.replaceState(window.history.state, "", address.href);
    }
    return code;
  }

  function stored(text) {
    try {
      if (text === undefined) return window.sessionStorage.getItem(KEY);
      if (text === null) window.sessionStorage.removeItem(KEY);
      else window.sessionStorage.setItem(KEY, text);
    } catch (error) {
      /* storage is switched off: the other patterns work without it */
    }
    return null;
  }

  /* --- the clock --- */

  /** "9:05", the whole seconds that are left; never below 0:00. */
  function asClock(seconds) {
    const left = Math.max(0, Math.floor(seconds));
    return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  }

  /**
   * Count down from what the server said: `expires_at - server_time`, at the moment `at` (performance.now() then).
   * Steps on whole seconds, is set again by `set`, and ends by itself with one call at 0.
   */
  function countdown(onTick) {
    let ends = null;
    let timer = 0;
    let said = null;

    function left() {
      return ends === null ? null : Math.max(0, (ends - window.performance.now()) / 1000);
    }

    function tick() {
      window.clearTimeout(timer);
      const seconds = left();
      if (seconds === null) return;
      let announce = "";
      const due = SAY_AT.filter(([at]) => seconds <= at && (said === null || said > at)).pop();
      if (said !== null && due) announce = `${due[1]} left`;
      said = said === null ? seconds : Math.min(said, seconds);
      if (seconds <= 0) announce = "Your time is up";
      const whole = Math.floor(seconds);
      onTick({secondsLeft: whole, text: asClock(seconds), announce, over: seconds <= 0});
      if (seconds > 0) timer = window.setTimeout(tick, Math.max(20, (seconds - whole) * 1000 + 5));
    }

    return {
      set({expires_at, server_time}, at) {
        const span = Date.parse(expires_at) - Date.parse(server_time);
        if (Number.isNaN(span)) return;
        const anchor = at === undefined ? window.performance.now() : at;
        if (said !== null && anchor + span > ends + 1500) said = span / 1000; // extended: say the marks again
        ends = anchor + span;
        tick();
      },
      left,
      stop() {
        window.clearTimeout(timer);
        ends = null;
      },
    };
  }

  /** When the page's own answer began to arrive: what the server wrote into it is as old as that. */
  function pageAnsweredAt() {
    const entry = window.performance.getEntriesByType("navigation")[0];
    return entry && entry.responseStart > 0 ? entry.responseStart : window.performance.now();
  }

  /* --- the module --- */

  function handoff({api = "", key = "", consumer = "", parameter = "admission"} = {}) {
    const channel = "BroadcastChannel" in window ? new window.BroadcastChannel(CHANNEL) : null;
    const clocks = [];
    const listeners = [];
    let current = null;
    let claimAt = "";

    function forget(kind, tell) {
      stored(null);
      clocks.forEach((clock) => clock.stop());
      if (tell && channel) channel.postMessage({kind, id: current && current.admission_id});
      if (!tell) listeners.forEach((listener) => listener({kind}));
    }

    if (channel) {
      channel.onmessage = ({data}) => {
        // Only the admission this tab shows, and only its end: no other tab is believed more than that.
        if (data && current && data.id === current.admission_id) forget(data.kind, false);
      };
    }

    return {
      /** Hand the admission over and go to the checkout. Rejects when the checkout's address is refused. */
      async start({token, checkout, pattern = "module"}) {
        const address = safeAddress(checkout);
        if (pattern === "session_storage") {
          if (address.origin !== window.location.origin) throw new Error("sessionStorage stays on this origin");
          stored(token);
          window.location.assign(address.href);
          return;
        }
        const headers = {"X-Publishable-Key": key, Authorization: `Bearer ${consumer}`};
        const body = {admission_token: token, return_url: address.href};
        const {ok, body: answer} = await ask(`${api}/handoffs`, posted(body, headers));
        if (!ok || !answer.code) throw new Error((answer.error && answer.error.message) || "The handoff was refused");
        address.searchParams.set(parameter, answer.code);
        window.location.assign(address.href);
      },

      /**
       * Find the admission this page was given and let the shop's server claim it. Resolves to the server's answer;
       * it never resolves to "not valid" because nobody answered.
       */
      async resume({claim, headers = {}, onChecking = () => {}}) {
        claimAt = claim;
        const code = takeCode(parameter);
        const token = code === null ? stored() : null;
        const body = code !== null ? {code} : token !== null ? {token} : {};
        const asked = window.performance.now();
        const {body: answer} = await ask(claim, posted(body, headers), {tries: 0, onChecking});
        stored(null); // the server has it now, or will not have it
        current = {...answer, at: (asked + window.performance.now()) / 2};
        return answer;
      },

      /** Whether resume() would find something here without asking anybody. */
      carries() {
        return stored() !== null || new URL(window.location.href).searchParams.has(parameter);
      },

      /** Take what the server wrote into the page instead of asking for it. */
      know({admission_id, expires_at, server_time}) {
        current = {admission_id, expires_at, server_time, at: pageAnsweredAt()};
      },

      /**
       * Call back every second with {secondsLeft, text: "m:ss", announce, over}. `announce` is for screen readers, at
       * 5, 2 and 1 minutes and at 30 seconds. Asks `sync` again every 60 s, on focus and when the page comes back.
       */
      onExpiring(callback, {sync = claimAt, headers = {}, onChecking = () => {}, onAnswer = () => {}} = {}) {
        const clock = countdown(callback);
        clocks.push(clock);
        if (current) clock.set(current, current.at);
        let asking = false;
        async function again() {
          if (!sync || asking || clock.left() === null || clock.left() <= 0) return;
          asking = true;
          const asked = window.performance.now();
          try {
            const {body} = await ask(sync, posted({}, headers), {tries: 0, onChecking});
            if (clock.left() === null) return; // it ended while this was asked: no late answer starts it again
            if (body.expires_at) clock.set(body, (asked + window.performance.now()) / 2);
            onAnswer(body);
          } finally {
            asking = false;
          }
        }
        window.setInterval(again, 60000);
        window.addEventListener("focus", again);
        window.addEventListener("pageshow", (event) => event.persisted && again());
        document.addEventListener("visibilitychange", () => document.hidden || again());
        return {again, left: clock.left, stop: clock.stop};
      },

      /** Call back with {kind} when another tab completed or gave up this admission. */
      onEnded(listener) {
        listeners.push(listener);
      },

      /** The order is stored, or the place given up ("released"): forget the token here and in every other tab. */
      complete(kind = "completed") {
        forget(kind, true);
      },
    };
  }

  window.Offerkeep = Object.assign(window.Offerkeep || {}, {handoff, countdown, ask, asClock, safeAddress, pageAnsweredAt});
})(window);
