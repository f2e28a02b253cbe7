// Sorts the table of sites by the clicked column: numbers by their key, text by itself.
const table = document.getElementById("sites");
const heads = [...table.tHead.rows[0].cells];
heads.forEach((head, column) => head.addEventListener("click", () => {
  const order = head.getAttribute("aria-sort") === "descending" ? "ascending" : "descending";
  heads.forEach(other => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", order);
  const key = row => {
    const cell = row.cells[column];
    return cell.dataset.k === undefined ? cell.textContent : Number(cell.dataset.k);
  };
  const rows = [...table.tBodies[0].rows].sort((a, b) => {
    const x = key(a), y = key(b);
    const less = typeof x === "number" ? x - y : x.localeCompare(y);
    return order === "ascending" ? less : -less;
  });
  table.tBodies[0].append(...rows);
}));
