// The button only says so: the demo shop sells nothing. It tells the tag, whether it has loaded or not.
window.hmara = window.hmara || function () { (hmara.q = hmara.q || []).push(arguments); };

for (const button of document.querySelectorAll("button[data-says]")) {
  button.addEventListener("click", () => {
    document.querySelector(".said").textContent = button.dataset.says;
    const { product, price } = button.dataset;
    hmara("event", "put in the basket", { product, price: Number(price) });
  });
}
