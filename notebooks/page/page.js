"use strict";
// The page: the filter that holds for all of it, and what each card shows of it.

const byId = id => document.getElementById(id);

function theme() {
  const select = byId("theme");
  const paint = () => {
    document.documentElement.style.colorScheme = select.value === "system" ? "" : select.value;
  };
  try {
    select.value = localStorage.getItem("sparkify-theme") ?? "system";
  } catch {
    select.value = "system";  // a browser may forbid to remember
  }
  if (!select.value) select.value = "system";
  select.addEventListener("change", () => {
    paint();
    try {
      localStorage.setItem("sparkify-theme", select.value);
    } catch {
      select.title = "This browser does not remember the choice.";
    }
  });
  paint();
}

async function unpack() {
  const bytes = Uint8Array.from(atob(byId("data").textContent), sign => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

// The first row with the most of the question's peak, in the question's sentence.
function finding(question, rows) {
  if (!rows.length) return ["No plays."];
  const peak = question.columns.indexOf(question.peak);
  const row = peak < 0 ? rows[0] : rows.reduce((most, next) => next[peak] > most[peak] ? next : most);
  return question.sentence.split(/\{(\w+(?::\w+)?)\}/).map((part, place) => {
    if (place % 2 === 0) return part;
    const [column, ending] = part.split(":"), value = spelled(row[question.columns.indexOf(column)]);
    return ending ? value === "1" ? "" : ending : make("bdi", {}, value);
  });
}

function table(question, rows) {
  const style = place => question.numeric[place] ? {className: "number"} : {dir: "auto"};
  return rows.map(row => make("tr", {}, ...row.map((value, place) => make("td", style(place), spelled(value)))));
}

// As PostgreSQL's COPY writes CSV: NULL is nothing, an empty text is "".
function csv(question, rows) {
  const field = value => value === null ? ""
    : value === "" || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  return [question.columns, ...rows].map(row => `${row.map(field).join()}\n`).join("");
}

function save(name, text) {
  const link = make("a", {href: URL.createObjectURL(new Blob([text], {type: "text/csv"})), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

class Card {
  constructor(question, colours) {
    this.question = question;
    this.colours = colours;
    this.drawing = {marks: []};
    this.section = byId(question.id);
    this.chart = this.section.querySelector(".chart");
    this.chart?.setAttribute("role", "application");  // or a screen reader keeps the arrow keys to itself
    this.chart?.setAttribute("aria-roledescription", "chart");
    if (this.chart) this.forget = listen(this.chart, this.section.querySelector("output"), () => this.drawing);
    const button = this.section.querySelector("button");
    button.addEventListener("click", () => save(`${question.id}.csv`, csv(question, this.rows)));
    button.hidden = false;
  }

  show(rows, filtered) {
    this.rows = rows;
    this.section.querySelector(".finding").replaceChildren(...finding(this.question, rows));
    this.section.querySelector("tbody").replaceChildren(...table(this.question, rows));
    this.section.querySelector(".whole").hidden = !filtered || Boolean(this.question.rollup);
    if (!this.chart) return;
    this.forget();
    this.drawing = new Drawing(this.question, rows, this.colours);
    this.chart.replaceChildren(...this.drawing.draw());
  }
}

async function start() {
  const {questions, cube: packed, colours} = await unpack();
  const cube = new Cube(packed);
  const cards = questions.map(question => new Card(question, colours));
  const form = byId("filter"), [first, last] = cube.period;
  const fields = form.elements;

  function update() {
    const filter = {
      first: fields.from.value ? dayOf(fields.from.value) : first,
      last: fields.to.value ? dayOf(fields.to.value) : last,
      level: fields.level.value, gender: fields.gender.value,
    };
    const filtered = filter.first > first || filter.last < last || filter.level !== "" || filter.gender !== "";
    const selected = cube.select(filter);
    const totals = cube.totals(selected);
    for (const place of document.querySelectorAll("dd[data-total]")) {
      place.textContent = spelled(totals[place.dataset.total]);
    }
    for (const card of cards) {
      card.show(card.question.rollup ? cube.rows(card.question, selected) : card.question.rows, filtered);
    }
    const only = [filter.level && `level ${filter.level}`, filter.gender && `gender ${filter.gender}`].filter(Boolean);
    byId("shown").textContent = !filtered ? "Everything is shown."
      : `Shown: ${isoDay(filter.first)} to ${isoDay(filter.last)}${only.map(text => `, ${text}`).join("")}.`;
    byId("shown").classList.toggle("filtered", filtered);
  }

  // A million plays take seconds to count: say so first.
  function count() {
    if (cube.plays.second.length < 2e5) return update();
    byId("shown").textContent = "Counting ...";
    return setTimeout(update, 50);
  }

  form.addEventListener("change", count);
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(count));
  form.hidden = false;
  update();
  document.body.dataset.ready = "yes";
}

theme();
start();
