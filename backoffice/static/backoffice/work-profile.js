// Proposes the browser's time zone to whom has no work profile yet, and names countries in the language of the page.
// Without this script the server's zone is proposed, and countries have their English names.
"use strict";

const proposed = document.querySelector("select[data-propose]");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (proposed && [...proposed.options].some((option) => option.value === zone)) proposed.value = zone;

const countries = document.getElementById("work-profile-country");
const language = document.documentElement.lang;
if (!language.startsWith("en")) {
    const names = new Intl.DisplayNames([language], { type: "region" });
    const known = [...countries.options].filter((option) => /^[A-Z]{2}$/.test(option.value));
    for (const option of known) option.textContent = names.of(option.value);
    known.sort((one, other) => one.text.localeCompare(other.text, language));
    countries.append(...known);
}
