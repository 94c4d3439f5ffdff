// Sorting by the headings and filtering by words; both are remembered while the tab is open.
const KEPT = "sort";

export function control(rows) {
  const filter = document.getElementById("filter");
  if (!filter) return null;
  const shown = document.getElementById("shown"), unsort = document.getElementById("unsort");
  const buttons = [...document.querySelectorAll("[data-sort]")];

  const count = () => {
    const all = rows.rows.length, some = rows.list.children.length;
    shown.textContent = some === all ? `${all} symbols` : `${some} of ${all} symbols`;
  };
  const arrange = () => {
    if (!rows.rows.length) return;
    rows.arrange();
    count();
  };
  const sortBy = (sort) => {
    rows.sort = sort;
    for (const button of buttons) {
      const heading = button.closest("th");
      if (sort?.key === button.dataset.sort) heading.setAttribute("aria-sort", sort.rising ? "ascending" : "descending");
      else heading.removeAttribute("aria-sort");
    }
    unsort.hidden = !sort;
    try { sessionStorage.setItem(KEPT, JSON.stringify(sort)); } catch { /* private mode */ }
    arrange();
  };

  for (const button of buttons) {
    button.addEventListener("click", () => {
      const key = button.dataset.sort, same = rows.sort?.key === key;
      // Names read upwards first, numbers from the largest.
      sortBy({ key, rising: same ? !rows.sort.rising : ["symbol", "age"].includes(key) });
    });
  }
  unsort.addEventListener("click", () => sortBy(null));
  filter.addEventListener("input", () => {
    rows.words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    arrange();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|TEXTAREA/.test(event.target.tagName)) { event.preventDefault(); filter.focus(); }
    if (event.key === "Escape" && event.target === filter) { filter.value = ""; filter.dispatchEvent(new Event("input")); }
  });
  try { rows.sort = JSON.parse(sessionStorage.getItem(KEPT)); } catch { /* private mode */ }
  sortBy(rows.sort);
  return { count };
}
