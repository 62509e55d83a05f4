// The button only says so: the demo shop sells nothing.
for (const button of document.querySelectorAll("button[data-says]")) {
  button.addEventListener("click", () => {
    document.querySelector(".said").textContent = button.dataset.says;
  });
}
