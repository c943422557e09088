// A tap without a page load: the form is sent, and its answer takes the place of the entry. Without this script the
// same forms load the page again.
"use strict";

const said = document.getElementById("said");

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
        if (answer.redirected) {
            location.assign(answer.url); // the session has ended: sign in, and come back with what was typed
            return;
        }
        if (answer.status >= 500) throw new Error(answer.statusText);
        show(item, form, await answer.text(), answer.ok, data);
    } catch {
        say("The server did not answer. Nothing is lost: tap again, it is recorded once.");
    } finally {
        item.removeAttribute("aria-busy");
    }
});

function show(item, form, html, ok, data) {
    const answer = new DOMParser().parseFromString(html, "text/html").body;
    const message = answer.querySelector("[data-message]");
    if (!message) {
        say("This page is out of date. Load it again.");
        return;
    }
    say(message.textContent);
    if (!ok) {
        form.querySelector(".problem")?.remove();
        const problem = document.createElement("p");
        problem.className = `${message.className} problem`;
        problem.textContent = message.textContent;
        form.append(problem);
        return;
    }
    const wasEntry = item.classList.contains("entry");
    const list = item.parentElement;
    item.className = "done";
    item.tabIndex = -1;
    item.replaceChildren(...answer.childNodes);
    count(list);
    if (data.get("do") === "note") item.focus();
    else if (item.querySelector("form.note") && wasEntry) item.querySelector("input[name=note]").focus();
    else (wasEntry && next(item) ? next(item) : item).focus();
    if (wasEntry) setTimeout(() => item.querySelector("form.undo")?.classList.add("later-in-log"), 10_000);
}

function next(item) {
    let following = item.nextElementSibling;
    while (following && !following.matches(".entry")) following = following.nextElementSibling;
    return following;
}

function count(list) {
    const section = list.closest(".queue");
    const counter = section?.querySelector(".count");
    if (!counter || section.classList.contains("log")) return;
    const left = list.querySelectorAll(".entry").length;
    counter.textContent = section.dataset.more === "0" ? left : `${left}+`;
    const due = document.querySelector("[data-due]");
    if (due) {
        const rows = document.querySelectorAll(".overdue .entry, .today .entry").length;
        const more = [...document.querySelectorAll(".queue.overdue, .queue.today")].reduce((sum, each) => sum + Number(each.dataset.more), 0);
        due.textContent = rows + more;
    }
}

function say(text) {
    said.textContent = "";
    said.textContent = text;
}
