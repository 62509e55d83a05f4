// A single-page application in small: links become pushState, back and forward become popstate.
const teas = {
  herbs: { name: "Herbs", heat: "90 °C", time: "6 min", again: "once", text: "Hard to do wrong. Keep the lid on, or the best of it leaves with the steam." },
  green: { name: "Green tea", heat: "75 °C", time: "2 min", again: "three times", text: "Let the kettle stand open for a few minutes after the boil, then pour from low down." },
  oolong: { name: "Oolong", heat: "90 °C", time: "4 min", again: "five times", text: "Rinse the leaves with a little hot water first. They open slowly and like company." },
  black: { name: "Black tea", heat: "98 °C", time: "4 min", again: "no", text: "As hot as it comes, and milk only for those who grew up with it." },
};
const panel = document.getElementById("panel");
const start = [...panel.childNodes];

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function show() {
  const [, key] = location.pathname.match(/^\/guide\/(\w+)$/) ?? [];
  const tea = teas[key];
  for (const tab of document.querySelectorAll("[role=tab]")) {
    tab.setAttribute("aria-selected", String(tab.pathname === location.pathname));
  }
  document.title = tea ? `${tea.name}: brewing guide, Tykha` : "Brewing guide, Tykha";
  if (!tea) return panel.replaceChildren(...start);
  const facts = document.createElement("dl");
  for (const [term, value] of [["Water", tea.heat], ["Wait", tea.time], ["Pour again", tea.again]]) {
    const pair = document.createElement("div");
    pair.append(element("dt", term), element("dd", value));
    facts.append(pair);
  }
  panel.replaceChildren(element("h2", tea.name), facts, element("p", tea.text));
}

for (const tab of document.querySelectorAll("[role=tab]")) {
  tab.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", tab.href);
    show();
  });
}
addEventListener("popstate", show);
show();
