// What pages of the back office do by themselves: count down, follow a job, show the fields that matter, guard a double click.
"use strict";

function words(seconds) {
    const parts = [[Math.floor(seconds / 86400), "d"], [Math.floor(seconds / 3600) % 24, "h"], [Math.floor(seconds / 60) % 60, "min"], [seconds % 60, "s"]];
    while (parts.length > 1 && !parts[0][0]) parts.shift();
    return parts.slice(0, 2).map(part => part.join(" ")).join(" ");
}

function countDown() {
    const clocks = document.querySelectorAll("[data-until]");
    const tick = () => clocks.forEach(clock => {
        const left = Math.max(0, Math.round((Date.parse(clock.dataset.until) - Date.now()) / 1000));
        clock.textContent = left ? words(left) : "expired";
    });
    if (clocks.length) { tick(); setInterval(tick, 1000); }
}

function followJobs() {
    document.querySelectorAll("[data-progress]").forEach(box => {
        const ask = async () => {
            let wait = 1000;
            try {
                const answer = await fetch(box.dataset.progress, {headers: {Accept: "application/json"}});
                if (!answer.ok) throw new Error(answer.status);
                const job = await answer.json();
                box.querySelector("progress").value = job.percent;
                box.querySelector("[role=status]").textContent = job.status;
                if (job.finished) { setTimeout(() => location.reload(), 600); return; }
            } catch { wait = 5000; }
            setTimeout(ask, wait);
        };
        setTimeout(ask, 500);
    });
}

function value(form, name) {
    const fields = form.querySelectorAll(`[name="${name}"]`);
    const ticked = [...fields].find(field => field.checked);
    if (fields.length && ["radio", "checkbox"].includes(fields[0].type)) return ticked ? ticked.value : "";
    return fields.length ? fields[0].value : "";
}

function showFields() {
    document.querySelectorAll("form.ok-form").forEach(form => {
        const rows = [...form.querySelectorAll("[data-when]")];
        const sections = [...form.querySelectorAll("fieldset.ok-block")];
        const update = () => {
            rows.forEach(row => {
                row.hidden = !row.dataset.when.split(";").every(rule => {
                    const [name, wanted] = rule.split("=");
                    return wanted.split("|").includes(value(form, name));
                });
            });
            sections.forEach(box => { box.hidden = ![...box.querySelectorAll(".ok-field")].some(row => !row.hidden); });
        };
        form.addEventListener("input", update);
        form.addEventListener("change", update);
        update();
    });
}

function showExample() {
    document.querySelectorAll("form[data-example]").forEach(form => {
        const spot = form.querySelector('[data-field="code_charset"]');
        if (!spot) return;
        const box = document.createElement("p");
        box.className = "ok-example ok-mono";
        box.setAttribute("role", "status");
        let timer;
        const ask = async () => {
            const query = new URLSearchParams(new FormData(form));
            query.delete("csrfmiddlewaretoken");
            try {
                const answer = await fetch(`${form.dataset.example}?${query}`);
                const said = await answer.json();
                box.textContent = said.error || `For example ${said.example}`;
            } catch { box.textContent = ""; }
        };
        spot.append(box);
        form.addEventListener("input", event => {
            if (/^(code|campaign_type$)/.test(event.target.name)) { clearTimeout(timer); timer = setTimeout(ask, 250); }
        });
        ask();
    });
}

function worth(form) {
    const of = name => value(form, name);
    const kind = of("offer_type") || (of("percent") ? "percent" : of("set_price") ? "set_price" : of("amount") ? "fixed" : "");
    if (/percent/.test(kind)) return of("percent") ? `${of("percent")}% off` : "";
    if (/set_price/.test(kind)) return of("set_price") ? `For ${of("set_price")}` : "";
    return /fixed/.test(kind) && of("amount") ? `${of("amount")} off` : "";
}

// One card per language, as a wallet shows it, while one is typing.
function showPreview() {
    document.querySelectorAll("form[data-preview]").forEach(form => {
        const box = form.querySelector("[data-cards]");
        const line = (tag, text, kind) => { const made = document.createElement(tag); made.textContent = text; made.className = kind || ""; return made; };
        const update = () => {
            const cards = [];
            for (let at = 1; form.querySelector(`[name="title_${at}"]`); at++) {
                const [culture, title, description, terms] = ["culture", "title", "description", "terms"].map(name => value(form, `${name}_${at}`).trim());
                if (!title) continue;
                const card = document.createElement("article");
                card.className = "ok-card";
                card.append(line("span", culture || "no language yet", "ok-chip"), line("h3", title));
                if (worth(form)) card.append(line("strong", worth(form)));
                if (description) card.append(line("p", description));
                if (terms) card.append(line("p", terms, "ok-note"));
                cards.push(card);
            }
            box.replaceChildren(...(cards.length ? cards : [line("p", "Type a title to see it.", "ok-empty")]));
        };
        form.addEventListener("input", update);
        form.addEventListener("change", update);
        update();
    });
}

// What a rule will do, in a sentence, while one is typing.
function sayRule() {
    document.querySelectorAll("form[data-say]").forEach(form => {
        const box = form.querySelector(".ok-say");
        const [sentence, wrong, count] = ["sentence", "wrong", "restrictions"].map(name => box.querySelector(`[data-${name}]`));
        let timer, asked = 0;
        const ask = async () => {
            const mine = ++asked;
            try {
                const answer = await fetch(form.dataset.say, {method: "POST", body: new FormData(form)});
                const said = await answer.json();
                if (mine !== asked) return;
                sentence.textContent = said.sentence;
                wrong.hidden = !said.wrong.length;
                wrong.replaceChildren(...said.wrong.map(text => { const line = document.createElement("li"); line.textContent = text; return line; }));
                count.textContent = `${said.restrictions} of ${box.dataset.most} catalog restrictions`;
            } catch { if (mine === asked) sentence.textContent = ""; }
        };
        const soon = () => { clearTimeout(timer); timer = setTimeout(ask, 250); };
        form.addEventListener("input", soon);
        form.addEventListener("change", soon);
        ask();
    });
}

function labelCells() {
    document.querySelectorAll(".ok-table").forEach(table => {
        const heads = [...table.querySelectorAll("thead th")].map(head => head.textContent);
        table.querySelectorAll("tbody tr").forEach(row => [...row.children].forEach((cell, at) => { cell.dataset.label = heads[at] || ""; }));
    });
}

// After a refusal one goes on where the first thing is wrong, not at the top of a long form.
function goToError() {
    const wrong = [...document.querySelectorAll(".ok-form .ok-field.ok-bad")].find(field => !field.hidden && !field.closest("[hidden]"));
    const input = wrong && wrong.querySelector("input:not([type=hidden]), select, textarea");
    if (input) { input.focus({preventScroll: true}); wrong.scrollIntoView({block: "center"}); }
}

function guardSubmit() {
    document.querySelectorAll("form[data-guard]").forEach(form => form.addEventListener("submit", () => {
        form.querySelectorAll(".ok-submit button").forEach(button => { button.disabled = true; });
    }));
    // Coming back with the browser's button must not find a dead form.
    addEventListener("pageshow", () => document.querySelectorAll(".ok-submit button").forEach(button => { button.disabled = false; }));
}

// Figures and bars of something that runs: asked for every two seconds while the page is looked at.
function followLive() {
    document.querySelectorAll("[data-live]").forEach(box => {
        const made = (name, attributes) => { const one = document.createElementNS("http://www.w3.org/2000/svg", name); Object.entries(attributes).forEach(([key, to]) => one.setAttribute(key, to)); return one; };
        const chart = box.querySelector("[data-chart]");
        const draw = series => {
            const most = Math.max(1, ...series.flatMap(one => [one.admitted, one.completed, one.expired]));
            const wide = 600 / series.length;
            const bars = series.flatMap((one, at) => ["admitted", "completed", "expired"].map((name, row) => {
                const tall = one[name] / most * 140;
                return made("rect", {class: `ok-bar-${name}`, x: at * wide + row * wide * .28 + wide * .08, y: 150 - tall, width: wide * .26, height: tall});
            }));
            chart.querySelector("[data-bars]").replaceChildren(...bars);
            chart.querySelector("[data-most]").textContent = most;
        };
        const show = said => {
            Object.entries(said.figures).forEach(([name, text]) => { const spot = box.querySelector(`[data-figure="${name}"]`); if (spot) spot.textContent = text; });
            draw(said.series);
            box.querySelector("[role=status]").textContent = said.status;
        };
        const ask = async () => {
            let wait = 2000;
            if (!document.hidden) {
                try {
                    const answer = await fetch(box.dataset.live, {headers: {Accept: "application/json"}});
                    if (!answer.ok) throw new Error(answer.status);
                    show(await answer.json());
                } catch { wait = 5000; box.querySelector("[role=status]").textContent = "No answer; trying again."; }
            }
            setTimeout(ask, wait);
        };
        show(JSON.parse(box.querySelector("[data-first]").textContent));
        setTimeout(ask, 1000);
    });
}

document.addEventListener("DOMContentLoaded", () => { followLive(); labelCells(); countDown(); followJobs(); showFields(); showExample(); showPreview(); sayRule(); goToError(); guardSubmit(); });
