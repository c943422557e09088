// Says that a file is too large before it is sent in vain.
const input = document.querySelector("input[type=file][data-max]");

input.addEventListener("change", () => {
    const [file] = input.files;
    const tooLarge = file && file.size > Number(input.dataset.max) - 10_000; // the form around it counts too
    input.setCustomValidity(tooLarge ? input.dataset.tooLarge : "");
    input.reportValidity();
});
