// Tables sort by a click on a heading, or Enter on it: upwards, downwards, as it was.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const asItWas = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const order = { none: "ascending", ascending: "descending", descending: "none" }[heading.ariaSort];
      headings.forEach(other => other.setAttribute("aria-sort", "none"));
      heading.setAttribute("aria-sort", order);
      table.classList.toggle("sorted", order !== "none");
      body.append(...sorted(asItWas, place, order, "numeric" in heading.dataset));
    });
  });
}

function sorted(rows, place, order, numeric) {
  if (order === "none") return rows;
  const sign = order === "ascending" ? 1 : -1;
  const value = row => {
    const cell = row.cells[place];
    return numeric ? cell.dataset.value : cell.textContent.trim();
  };
  const empty = text => text === undefined || text === "";
  return [...rows].sort((a, b) => {
    const [one, other] = [value(a), value(b)];
    if (empty(one) || empty(other)) return empty(one) - empty(other); // the unknown comes last
    if (numeric) return sign * (Number(one) - Number(other));
    return sign * one.localeCompare(other, "en", { numeric: true });
  });
}
