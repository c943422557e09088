// Results under the search box while one types: a combobox with a grid (WAI-ARIA APG), since each result has buttons.
// Without this script the form leads to the page of the search.
"use strict";

(() => {
    const form = document.getElementById("quick-search");
    const input = form.querySelector("input");
    const popup = form.querySelector(".popup-results");
    const status = form.querySelector("[role=status]");
    const PAUSE = 120; // milliseconds without a key before a request
    const OFF = "quick-search-shortcut-off";
    let timer, request, active = null;

    set(input, { role: "combobox", "aria-autocomplete": "list", "aria-haspopup": "grid", "aria-expanded": "false" });

    function set(element, attributes) {
        for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    }

    // --- Results ------------------------------------------------------------------------------

    input.addEventListener("input", () => {
        clearTimeout(timer);
        request?.abort();
        activate(null);
        if (input.value.trim()) timer = setTimeout(search, PAUSE);
        else close();
    });

    async function search() {
        const { signal } = request = new AbortController();
        const address = `${form.action}?${new URLSearchParams({ q: input.value })}`;
        try {
            const answer = await fetch(address, { headers: { "X-Requested-With": "fetch" }, signal });
            if (answer.redirected) return show(message(form.dataset.signedOut));
            if (!answer.ok) throw new Error(answer.statusText);
            const html = await answer.text();
            if (!signal.aborted) show(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
        } catch {
            if (!signal.aborted) show(message(form.dataset.noAnswer));
        }
    }

    function message(text) {
        const line = document.createElement("p");
        line.className = "none";
        line.dataset.status = "";
        line.textContent = text;
        return line;
    }

    function show(...nodes) {
        activate(null);
        popup.replaceChildren(...nodes);
        popup.hidden = false;
        status.textContent = popup.querySelector("[data-status]")?.textContent ?? "";
        const grid = popup.querySelector(".found");
        input.setAttribute("aria-expanded", String(Boolean(grid)));
        if (!grid) {
            input.removeAttribute("aria-controls");
            return;
        }
        set(grid, { id: "quick-search-grid", role: "grid", "aria-label": form.dataset.found });
        input.setAttribute("aria-controls", grid.id);
        for (const heading of grid.querySelectorAll("h2")) {
            set(heading, { role: "presentation" });
            set(heading.nextElementSibling, { role: "rowgroup", "aria-label": heading.textContent });
        }
        rows().forEach((row, number) => {
            row.setAttribute("role", "row");
            cells(row).forEach((cell, place) => set(cell, { role: "gridcell", id: `quick-search-${number}-${place}` }));
        });
    }

    function close() {
        clearTimeout(timer);
        request?.abort();
        activate(null);
        popup.hidden = true;
        status.textContent = "";
        input.setAttribute("aria-expanded", "false");
    }

    // --- Keys ---------------------------------------------------------------------------------

    function rows() {
        return [...popup.querySelectorAll(".hit")];
    }

    function cells(row) {
        return [...row.querySelectorAll(".cell")];
    }

    function activate(cell) {
        active?.classList.remove("active");
        active = cell;
        if (!cell) {
            input.removeAttribute("aria-activedescendant");
            return;
        }
        cell.classList.add("active");
        cell.scrollIntoView({ block: "nearest" });
        input.setAttribute("aria-activedescendant", cell.id);
    }

    function moveDown(step) {
        const all = rows();
        if (popup.hidden || !all.length) return false;
        const row = active?.closest(".hit");
        const place = row ? cells(row).indexOf(active) : 0;
        const next = row ? (all.indexOf(row) + step + all.length) % all.length : step > 0 ? 0 : all.length - 1;
        activate(cells(all[next])[place]);
        return true;
    }

    function moveRight(step) {
        if (!active) return false;
        const all = cells(active.closest(".hit"));
        activate(all[Math.min(Math.max(all.indexOf(active) + step, 0), all.length - 1)]);
        return true;
    }

    input.addEventListener("keydown", (event) => {
        if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
        let done = false;
        if (event.key === "ArrowDown") done = moveDown(1);
        else if (event.key === "ArrowUp") done = moveDown(-1);
        else if (event.key === "ArrowRight") done = moveRight(1);
        else if (event.key === "ArrowLeft") done = moveRight(-1);
        else if (event.key === "Enter" && active) {
            active.querySelector("a").click();
            done = true;
        }
        if (done) event.preventDefault();
    });

    form.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || event.isComposing) return;
        event.preventDefault();
        if (popup.hidden) input.value = "";
        else close();
        input.focus();
    });

    form.addEventListener("focusout", (event) => {
        if (!form.contains(event.relatedTarget) && !popup.matches(":active")) close();
    });
    document.addEventListener("click", (event) => {
        if (!form.contains(event.target)) close();
    });
    form.addEventListener("submit", () => {
        clearTimeout(timer);
        request?.abort();
    });
    window.addEventListener("pageshow", close); // the way back finds the page as it was left

    // --- The key / ------------------------------------------------------------------------------

    const types = "input, textarea, select, [contenteditable]";
    document.addEventListener("keydown", (event) => {
        if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || localStorage.getItem(OFF)) return;
        if (event.target.closest?.(types) && !event.target.matches("[type=checkbox], [type=radio], [type=submit]")) return;
        event.preventDefault();
        input.focus();
        input.select();
    });
    const shortcut = document.getElementById("quick-search-shortcut"); // WCAG 2.1.4: such a key can be turned off
    if (shortcut) {
        shortcut.checked = !localStorage.getItem(OFF);
        shortcut.closest(".shortcut").hidden = false;
        shortcut.addEventListener("change", () => {
            if (shortcut.checked) localStorage.removeItem(OFF);
            else localStorage.setItem(OFF, "1");
        });
    }
})();
