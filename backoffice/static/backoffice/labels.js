// Accessible names for the controls that Django's scripts draw without any.
"use strict";

function nameControls() {
    for (const select of document.querySelectorAll("select.admin-autocomplete.select2-hidden-accessible")) {
        const label = document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
        const drawn = select.nextElementSibling;
        if (!label || !drawn) continue;
        label.id ||= `${select.id}-label`;
        const chosen = drawn.querySelector(".select2-selection__rendered");
        drawn.querySelector(".select2-selection").setAttribute("aria-labelledby", `${label.id} ${chosen.id}`);
        if (select.multiple) { // drawn as a list with a text field in it
            for (const part of [chosen, ...chosen.children]) part.setAttribute("role", "presentation");
            drawn.querySelector("input.select2-search__field")?.setAttribute("aria-labelledby", label.id);
            continue;
        }
        chosen.setAttribute("aria-labelledby", `${label.id} ${chosen.id}`);
    }
    for (const icon of document.querySelectorAll("span.help-tooltip[aria-label]")) icon.setAttribute("role", "img");
}

// Each draws at a moment of its own: Select2 when jQuery says that the page is ready, the filters when it is loaded.
window.django?.jQuery?.(nameControls);
window.addEventListener("load", nameControls);
document.addEventListener("formset:added", () => setTimeout(nameControls));
