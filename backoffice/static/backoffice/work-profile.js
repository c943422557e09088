// Proposes the browser's time zone to whom has no work profile yet. Without this script the server's is proposed.
"use strict";

const proposed = document.querySelector("select[data-propose]");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (proposed && [...proposed.options].some((option) => option.value === zone)) proposed.value = zone;
