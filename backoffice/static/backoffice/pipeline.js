// A move without a page load, by dragging, by keyboard and by button; further cards in place. Without this script the
// links of the cards lead to a page with the same form, and the links below the columns load the board again.
"use strict";

const board = document.getElementById("board");
const said = document.getElementById("said");
const dialog = document.getElementById("move");
const picker = document.querySelector(".picker");
let dragged = null;

const columnOf = (status) => document.getElementById(status);
const listOf = (status) => columnOf(status).querySelector(".lead-cards");
const cardOf = (element) => element.closest?.(".lead-card");
const focusOn = (card) => card?.querySelector(".name").focus();

// --- Answers ------------------------------------------------------------------------------------

async function load(url, options) {
    const answer = await fetch(url, { ...options, headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout(15_000) });
    if (answer.redirected) {
        location.assign(answer.url); // the session has ended: sign in
        return null;
    }
    if (answer.status >= 500) throw new Error(answer.statusText);
    return { status: answer.status, body: new DOMParser().parseFromString(await answer.text(), "text/html").body };
}

function say(...nodes) {
    said.replaceChildren(...nodes);
}

function complain(text) {
    const message = document.createElement("p");
    message.className = "message problem";
    message.textContent = text;
    if (dialog.open) dialog.querySelector(".problem").textContent = text; // the rest of the page is inert
    else say(message);
}

// --- Moving -------------------------------------------------------------------------------------

async function move(card, url, data) {
    if (card.hasAttribute("aria-busy")) return; // sent twice
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
    if (token) data.set("csrfmiddlewaretoken", token); // signing in again in another tab has changed it
    card.setAttribute("aria-busy", "true");
    try {
        const answer = await load(url, { method: "POST", body: data });
        if (answer) show(answer);
    } catch {
        complain(board.dataset.unanswered);
    } finally {
        card.removeAttribute("aria-busy");
    }
}

function show({ status, body }) {
    const message = body.querySelector("[data-message]");
    const moved = body.querySelector(".lead-card");
    if (!message) {
        complain(status === 403 ? board.dataset.refused : board.dataset.outdated);
        return;
    }
    if (!moved) {
        complain(message.textContent);
        return;
    }
    if (dialog.open) dialog.close();
    say(message, ...body.querySelectorAll("form.undo"));
    for (const head of body.querySelectorAll("[data-head]")) document.querySelector(`[data-head="${head.dataset.head}"]`).replaceWith(head);
    document.getElementById(moved.id)?.remove();
    listOf(moved.dataset.status).prepend(moved);
    if (picked()) location.hash = moved.dataset.status;
    focusOn(moved);
}

function open(card, status) {
    const form = dialog.querySelector("form");
    form.reset();
    form.action = card.querySelector(".move").href;
    form.elements.key.value = card.dataset.key;
    form.elements.seen.value = card.dataset.status;
    for (const button of form.querySelectorAll(".targets button")) button.hidden = button.value === card.dataset.status;
    const lost = form.querySelector(".lost");
    lost.disabled = lost.hidden = card.dataset.status === "LOST";
    dialog.querySelector("h2").textContent = board.dataset.title.replace("LEAD", card.querySelector(".name").textContent);
    dialog.querySelector(".problem").textContent = "";
    dialog.dataset.card = card.id;
    dialog.showModal();
    form.querySelector(status === "LOST" ? "select" : ".targets button:not([hidden])").focus();
}

function drop(card, status) {
    if (status === "LOST") {
        open(card, status);
        return;
    }
    const data = new FormData();
    data.set("key", card.dataset.key);
    data.set("seen", card.dataset.status);
    data.set("status", status);
    move(card, card.querySelector(".move").href, data);
}

if (dialog) {
    document.addEventListener("submit", (event) => {
        const form = event.target;
        if (!form.matches(".move-form, .undo")) return;
        event.preventDefault();
        const id = form.matches(".undo") ? form.dataset.card : dialog.dataset.card;
        move(document.getElementById(id) ?? form, form.action, new FormData(form, event.submitter));
    });

    dialog.querySelector(".cancel").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => focusOn(document.getElementById(dialog.dataset.card)));

    board.addEventListener("dragstart", (event) => {
        dragged = cardOf(event.target);
        dragged?.classList.add("is-dragged");
        event.dataTransfer.setData("text/plain", dragged?.querySelector(".name").textContent ?? "");
        event.dataTransfer.effectAllowed = "move";
    });
    board.addEventListener("dragover", (event) => {
        const column = event.target.closest(".column");
        mark(column);
        if (dragged && column && column.id !== dragged.dataset.status) event.preventDefault();
    });
    board.addEventListener("drop", (event) => {
        const column = event.target.closest(".column");
        if (!dragged || !column) return;
        event.preventDefault();
        drop(dragged, column.id);
    });
    board.addEventListener("dragend", () => {
        dragged?.classList.remove("is-dragged");
        dragged = null;
        mark(null);
    });
}

function mark(column) {
    for (const each of board.children) each.classList.toggle("is-target", each === column && dragged && each.id !== dragged.dataset.status);
}

// --- From card to card --------------------------------------------------------------------------

board.addEventListener("keydown", (event) => {
    const card = cardOf(event.target);
    if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "m" || event.key === "M") {
        if (!dialog) return;
        event.preventDefault();
        open(card);
        return;
    }
    const steps = { ArrowDown: () => card.nextElementSibling, ArrowUp: () => card.previousElementSibling, ArrowRight: () => beside(card, 1), ArrowLeft: () => beside(card, -1) };
    const next = steps[event.key]?.();
    if (!next) return;
    event.preventDefault();
    focusOn(next);
});

function beside(card, step) {
    const columns = [...board.children];
    const row = [...card.parentElement.children].indexOf(card);
    for (let at = columns.indexOf(card.closest(".column")) + step; columns[at]; at += step) {
        const cards = columns[at].querySelectorAll(".lead-card");
        if (cards.length) return cards[Math.min(row, cards.length - 1)];
    }
    return null;
}

// --- Links --------------------------------------------------------------------------------------

board.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // in another tab or window
    const link = event.target.closest("a.move, a[data-more]");
    if (!link) return;
    event.preventDefault();
    if (link.matches(".move")) open(cardOf(link));
    else append(link);
});

async function append(link) {
    if (link.hasAttribute("aria-busy")) return;
    link.setAttribute("aria-busy", "true");
    try {
        const answer = await load(link.href.replace(/#.*/, ""));
        if (!answer) return;
        if (answer.status !== 200) {
            complain(board.dataset.outdated);
            return;
        }
        const fresh = [...answer.body.querySelectorAll(".lead-card")].filter((card) => !document.getElementById(card.id));
        link.closest(".column").querySelector(".lead-cards").append(...fresh);
        link.replaceWith(...answer.body.querySelectorAll("a[data-more]"));
        focusOn(fresh[0]);
        say(board.dataset.appended);
    } catch {
        complain(board.dataset.unanswered);
    } finally {
        link.removeAttribute("aria-busy");
    }
}

// --- On a phone, one column ---------------------------------------------------------------------

const picked = () => [...board.children].find((column) => column.matches(":target"));

function markPicked() {
    for (const link of picker.children) {
        if (link.hash === `#${picked()?.id ?? "board"}`) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
    }
}

addEventListener("hashchange", markPicked);
markPicked();
