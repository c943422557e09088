// A tap without a page load: the form is sent, and what was done takes the place of the entry; the lists follow. Without
// this script the same forms load the page again.
"use strict";

const said = document.getElementById("said");
const log = document.getElementById("done");
const DRAFT = "my-day-draft"; // in the storage of this tab: a tap that met the end of the session
const UNDO = 10_000; // milliseconds for which what was done stays in the place of the entry, at least

document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form.tap")) return;
    event.preventDefault();
    const item = form.closest("li, .draft");
    if (item.hasAttribute("aria-busy")) return; // tapped twice
    const data = new FormData(form, event.submitter);
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
    if (token) data.set("csrfmiddlewaretoken", token); // signing in again in another tab has changed it
    item.setAttribute("aria-busy", "true");
    try {
        const answer = await fetch(form.action, { method: "POST", body: data, headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout(15_000) });
        if (answer.status >= 500) throw new Error(answer.statusText);
        const body = new DOMParser().parseFromString(answer.redirected ? "" : await answer.text(), "text/html").body;
        if (body.querySelector("[data-message]")) show(item, form, body, data);
        else signInAgain(item, form, data);
    } catch {
        refuse(form, said.dataset.unanswered);
    } finally {
        item.removeAttribute("aria-busy");
    }
});

function show(item, form, body, data) {
    const message = body.querySelector("[data-message]");
    const lists = body.querySelector("[data-lists]");
    turnOver(lists);
    if (message.dataset.status !== "200") {
        refuse(form, message.textContent, "overrule" in message.dataset && data);
        return;
    }
    say(message.textContent);
    const wasEntry = item.matches(".entry");
    const place = wasEntry && next(item);
    const line = body.querySelector("[data-line]");
    becomeLine(item, line, message);
    const isOfToday = lists.dataset.day === said.dataset.day;
    if (isOfToday) follow(lists, data.get("lead"));
    moveToLog(item);
    const back = data.get("do") === "undo" && document.querySelector(`.queue:not([hidden]) > ol > .entry[data-lead="${CSS.escape(data.get("lead"))}"]`);
    if (back) {
        item.remove();
        back.focus();
    } else if (wasEntry && item.querySelector("form.note")) item.querySelector("input[name=note]").focus();
    else (place?.isConnected ? place : item).focus();
}

// The line of what was done, in the place of the entry; a message alone where nothing was recorded on a call.
function becomeLine(item, line, message) {
    item.className = "done";
    item.tabIndex = -1;
    delete item.dataset.entry;
    item.replaceChildren(...(line ?? message.parentElement).childNodes);
    item.querySelector("[data-lists]")?.remove();
    if (line) {
        item.id = line.dataset.line;
        item.dataset.at ??= Date.now();
    } else item.removeAttribute("id");
}

// The lists as they are on the server now: their counts, and the entries of the lead.
function follow(lists, lead) {
    document.querySelector("[data-due]").textContent = lists.dataset.due;
    document.querySelector(".log .count").textContent = lists.dataset.done;
    document.querySelector(".log .none").hidden = lists.dataset.done !== "0";
    const isKept = new Set();
    for (const list of lists.querySelectorAll("[data-list]")) {
        const section = document.querySelector(`.queue[data-list="${list.dataset.list}"]`);
        const total = Number(list.dataset.total);
        section.querySelector(".count").textContent = total;
        section.querySelector(".more").textContent = list.dataset.more;
        section.querySelector(".none").hidden = total > 0;
        const entries = section.querySelector(".entries");
        for (const entry of [...list.querySelectorAll(".entry")]) isKept.add(place(entry, entries));
        section.hidden = total === 0 && !section.matches(".overdue, .today") && !entries.querySelector("li");
    }
    for (const entry of document.querySelectorAll(`.entry[data-lead="${CSS.escape(lead)}"]`)) if (!isKept.has(entry)) entry.remove();
}

// The entry as it stays on the page: the one that is there already, with what was typed, unless something has happened.
function place(entry, entries) {
    const there = entries.querySelector(`.entry[data-entry="${entry.dataset.entry}"]`);
    if (there?.dataset.seen === entry.dataset.seen) return there;
    there?.remove();
    const before = entry.dataset.after && entries.querySelector(`.entry[data-entry="${entry.dataset.after}"]`);
    if (before) before.after(entry);
    else if (entry.dataset.after) entries.append(entry);
    else entries.prepend(entry);
    return entry;
}

// Lines that have been in the queue for long enough go to the log, with the next tap: nothing moves under a finger.
function moveToLog(latest) {
    for (const item of document.querySelectorAll(".queue:not(.log) .done[id]")) {
        const isTyped = [...item.querySelectorAll("input:not([type=hidden])")].some((input) => input.value !== input.defaultValue);
        if (item === latest || isTyped || Date.now() - item.dataset.at < UNDO) continue;
        item.querySelector(".more-of-it")?.removeAttribute("open");
        log.prepend(item);
    }
}

function next(item) {
    const entries = [...document.querySelectorAll(".queue:not([hidden]) > ol > .entry")];
    return entries.find((entry) => item.compareDocumentPosition(entry) & Node.DOCUMENT_POSITION_FOLLOWING);
}

// Why nothing was recorded, by the button that was tapped, with what was typed as it was.
function refuse(form, text, tap) {
    say(text);
    form.querySelector(".problem")?.remove();
    const problem = document.createElement("div");
    problem.className = "problem";
    problem.append(Object.assign(document.createElement("p"), { textContent: text }));
    if (tap) {
        const again = Object.assign(document.createElement("a"), { href: form.action, textContent: said.dataset.again });
        const anyway = Object.assign(document.createElement("button"), { name: "do", value: tap.get("do"), className: "button", textContent: said.dataset.anyway });
        anyway.addEventListener("click", () => form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "anyway", value: "on" })));
        problem.append(anyway, again);
    }
    form.append(problem);
}

function turnOver(lists) {
    if (lists.dataset.day === said.dataset.day) return;
    const turned = document.getElementById("turned");
    turned.hidden = false;
    turned.firstElementChild.textContent = said.dataset.turned.replace("%s", lists.dataset.today);
}

// --- A session that has ended: the tap waits in this tab, and the page fills it in once one has signed in ---------------

function signInAgain(item, form, data) {
    const fields = [...data].filter(([name]) => name !== "csrfmiddlewaretoken");
    const what = item.querySelector("h3, .what, h2")?.textContent.trim() ?? "";
    sessionStorage.setItem(DRAFT, JSON.stringify({ user: said.dataset.user, form: form.dataset.form, entry: item.dataset.entry, line: item.id, what, fields }));
    location.assign(form.action);
}

function restore() {
    const draft = JSON.parse(sessionStorage.getItem(DRAFT));
    sessionStorage.removeItem(DRAFT);
    if (draft?.user !== said.dataset.user) return;
    const item = draft.entry ? document.querySelector(`[data-entry="${CSS.escape(draft.entry)}"]`) : document.getElementById(draft.line);
    const form = item?.querySelector(`form[data-form="${draft.form}"]`);
    if (!form) {
        const gone = document.getElementById("gone");
        const typed = draft.fields.filter(([name]) => !form && ["note", "reason", "until", "product_details", "quantity", "total_price"].includes(name));
        gone.textContent = said.dataset.gone.replace("%s", [draft.what, ...typed.map(([, value]) => value)].filter(Boolean).join(" · "));
        gone.hidden = false;
        say(gone.textContent);
        return;
    }
    for (const [name, value] of draft.fields) {
        const input = form.querySelector(`[name="${name}"]:not(button)`);
        if (input) input.value = value;
    }
    for (let outer = form; outer; outer = outer.parentElement?.closest("details")) if (outer.matches("details")) outer.open = true;
    const order = form.querySelector("details.order");
    if (order && [...order.querySelectorAll("input")].some((input) => input.value)) order.open = true;
    refuse(form, said.dataset.restored);
    const tapped = draft.fields.find(([name]) => name === "do")?.[1];
    (form.querySelector(`button[value="${tapped}"]`) ?? form.querySelector("button")).focus();
}

function say(text) {
    said.textContent = "";
    said.textContent = text;
}

restore();
