"use strict";
// Charts of HTML boxes in per cent, so that they fit any width without being drawn again. Each mark is an element with
// the place of its row; what it tells is shown beside it, for pointer, touch and arrow keys.

function make(tag, options = {}, ...children) {
  const {className, style = {}, data = {}, ...attributes} = options;
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value);
  Object.assign(element.dataset, data);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// As a reader expects a value.
const spelled = value => value === null ? "unknown"
  : typeof value === "number" ? value.toLocaleString("en-US", {maximumFractionDigits: 1}) : String(value);

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
function shortDate(iso, withYear) {
  const [year, month, day] = iso.split("-").map(Number);
  return withYear ? `${MONTHS[month - 1]} ${year}` : `${day} ${MONTHS[month - 1]}`;
}
const isDate = text => /^\d{4}-\d\d-\d\d$/.test(text);

// Round numbers from 0 to at least the greatest, at most five steps.
function ticks(greatest) {
  const least = (greatest || 1) / 5, power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(size => size >= least);
  return Array.from({length: Math.ceil(greatest / step - 1e-9) + 1 || 2}, (_, place) => place * step);
}

// The numbers above so many columns: as they are, or short, or none, so that they stand side by side on a phone, too.
function above(numbers, columns) {
  const short = number => number.toLocaleString("en-US", {notation: "compact", maximumSignificantDigits: 3});
  const fit = texts => columns * Math.max(...texts.map(text => text.length)) <= 36;
  return [numbers.map(spelled), numbers.map(short)].find(fit) ?? numbers.map(() => "");
}

const percent = share => `${(share * 100).toFixed(3)}%`;

class Drawing {
  constructor(question, rows, colours) {
    Object.assign(this, {question, rows, colours, spec: question.chart, marks: []});
    this.column = Object.fromEntries(question.columns.map((name, place) => [name, place]));
    this.series = this.spec.series
      ? [...new Set(rows.map(row => spelled(row[this.column[this.spec.series]])))].sort() : [];
  }

  value(row, name) { return row[this.column[name]]; }

  words(name) { return this.question.labels[this.column[name]]; }

  // A column's words beside the row's value: without the s beside 1.
  counted(row, name) { return this.value(row, name) === 1 ? this.words(name).replace(/s$/, "") : this.words(name); }

  // An element that stands for a row, in the colour of its meaning.
  mark(row, className, style) {
    const meaning = this.spec.series ? spelled(this.value(row, this.spec.series)) : "";
    const element = make("div", {className, style, data: {row: this.rows.indexOf(row)}});
    element.style.setProperty("--mark", this.colour(meaning));
    this.marks.push(element);
    return element;
  }

  colour(meaning) {
    return !meaning ? "var(--plain)" : this.colours.includes(meaning) ? `var(--${meaning})` : "var(--other)";
  }

  draw() {
    if (!this.rows.length) return [make("p", {className: "quiet"}, "There is nothing to draw.")];
    return [...this.legend(), ...this[this.spec.kind]()];
  }

  legend() {
    if (!this.series.length || this.spec.names.includes(this.spec.series)) return [];
    return [make("p", {className: "legend"}, ...this.series.map((name, place) => make("span", {},
      make("i", {className: `dash-${this.spec.kind === "lines" ? place % 4 : 0}`, style: {"--mark": this.colour(name)}}),
      name)))];
  }

  bars() {
    const {names, value, tick, detail} = this.spec;
    const most = Math.max(...this.rows.flatMap(row => [this.value(row, value), tick ? this.value(row, tick) : 0])) || 1;
    const rows = this.rows.map(row => {
      let label = names.map(name => spelled(this.value(row, name))).join(" – ");
      if (this.question.bounds.length) label = `${this.words(names[0])}: ${label}`;
      if (detail) label += ` (${spelled(this.value(row, detail))} ${this.counted(row, detail)})`;
      const bar = this.mark(row, this.rows.length < 5 ? "bar wide" : "bar");
      bar.append(make("bdi", {className: "name"}, label), make("b", {}, spelled(this.value(row, value))),
        make("div", {className: "track"},
          make("div", {className: "fill", style: {width: percent(this.value(row, value) / most)}}),
          ...tick ? [make("div", {className: "tick", style: {left: percent(this.value(row, tick) / most)}})] : []));
      return bar;
    });
    return [make("p", {className: "unit"}, tick ? `Bar: ${this.words(value)}. Line: ${this.words(tick)}.`
      : this.words(value)), ...rows];
  }

  // The space between the axes, and the words around it.
  plot(greatest, content, labels, title, unit = this.words(this.spec.value)) {
    const numbers = ticks(greatest), top = numbers.at(-1);
    const grid = numbers.map(number => make("div", {className: "grid", style: {bottom: percent(number / top)}},
      make("span", {}, spelled(number))));
    const axis = labels.map(([text, share]) => make("span", {style: {left: percent(share)}}, text));
    return [make("p", {className: "unit"}, unit),
      make("div", {className: "plot"}, ...grid, ...content(top)), make("div", {className: "axis"}, ...axis),
      make("p", {className: "unit end"}, title)];
  }

  columns() {
    const {names: [name], value} = this.spec;
    const categories = this.categories(name);
    const found = new Map(this.rows.map(row => [spelled(this.value(row, name)), row]));
    const years = isDate(categories[0]) && categories.length > 52;
    const every = Math.ceil(categories.length / (years ? 4 : 8));
    const labels = categories.map((text, place) => [text, (place + 0.5) / categories.length])
      .filter((_, place) => place % every === 0)
      .map(([text, share]) => [isDate(text) ? shortDate(text, years) : /day$/.test(text) ? text.slice(0, 3) : text, share]);
    const numbers = this.rows.map(row => this.value(row, value)), texts = above(numbers, categories.length);
    return this.plot(Math.max(...numbers), top => [make("div", {className: "slots"},
      ...categories.map(category => {
        const row = found.get(category);
        if (!row) return make("div", {className: "slot"});
        const column = this.mark(row, "slot");
        column.append(make("b", {}, texts[this.rows.indexOf(row)]), make("div", {className: "fill", style: {height: percent(this.value(row, value) / top)}}));
        return column;
      }))], labels, this.words(name));
  }

  // Every name of the axis: the question's, or each week from the first to the last, or those that are there.
  categories(name) {
    const found = this.rows.map(row => spelled(this.value(row, name)));
    if (this.question.categories.length) return this.question.categories;
    if (!found.every(isDate)) return found;
    const [first, last] = [dayOf(found[0]), dayOf(found.at(-1))];
    return Array.from({length: (last - first) / 7 + 1}, (_, week) => isoDay(first + 7 * week));
  }

  lines() {
    const {names: [name], value, series} = this.spec;
    const days = this.rows.map(row => dayOf(this.value(row, name)));
    const first = Math.min(...days), span = Math.max(...days) - first, many = span > 62;
    const share = day => span ? (day - first) / span : 0.5;
    const step = Math.max(1, Math.ceil(span / 5));
    const labels = Array.from({length: Math.floor(span / step) + 1}, (_, place) => first + place * step)
      .map(day => [shortDate(isoDay(day), span > 300), share(day)]);
    const unit = many ? `${this.words(value)} (thick line: mean of 7 days)` : this.words(value);
    return this.plot(Math.max(...this.rows.map(row => this.value(row, value))), top => {
      const paths = (this.series.length ? this.series : [""]).map((kind, place) => {
        const own = new Map(this.rows.filter(row => !kind || spelled(this.value(row, series)) === kind)
          .map(row => [dayOf(this.value(row, name)), this.value(row, value)]));
        const numbers = Array.from({length: span + 1}, (_, day) => own.get(first + day) ?? 0);
        const draw = (of, className) => {
          const points = of.map((number, day) => `${(share(first + day) * 1000).toFixed(1)},${((1 - number / top) * 1000).toFixed(1)}`);
          const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
          path.setAttribute("d", `M${points.join("L")}`);
          path.setAttribute("class", className);
          path.style.setProperty("--mark", this.colour(kind));
          return path;
        };
        if (!many) return [draw(numbers, `dash-${place % 4}`)];
        const means = numbers.map((_, day) => {
          const week = numbers.slice(Math.max(0, day - 3), day + 4);
          return week.reduce((sum, number) => sum + number, 0) / week.length;
        });
        return [draw(numbers, "thin"), draw(means, `dash-${place % 4}`)];
      }).flat();
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.setAttribute("viewBox", "0 0 1000 1000");
      svg.setAttribute("preserveAspectRatio", "none");
      svg.append(...paths);
      return [svg, ...this.rows.map(row => this.mark(row, many ? "dot many" : "dot", {
        left: percent(share(dayOf(this.value(row, name)))), bottom: percent(this.value(row, value) / top),
      }))];
    }, labels, this.words(name), unit);
  }
}

// Pointer, touch and keys on a chart; `drawing()` is what it shows now.
function listen(chart, tip, drawing) {
  const STEPS = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity};
  let chosen = -1;

  function choose(place) {
    const {marks, question, rows} = drawing();
    chosen = Math.max(-1, Math.min(place, marks.length - 1));
    marks.forEach((mark, number) => mark.classList.toggle("chosen", number === chosen));
    tip.replaceChildren();
    tip.classList.toggle("shown", chosen >= 0);
    if (chosen < 0) return;
    rows[chosen].forEach((value, column) => tip.append(
      make("span", {}, `${question.labels[column]}: `, make("bdi", {}, spelled(value)))));
    const [box, mark] = [chart.getBoundingClientRect(), marks[chosen].getBoundingClientRect()];
    const left = mark.left + mark.width / 2 - box.left - tip.offsetWidth / 2;
    tip.style.left = `${Math.max(0, Math.min(left, box.width - tip.offsetWidth))}px`;
    const above = mark.top - box.top - tip.offsetHeight - 8;
    tip.style.top = `${above < -60 ? mark.bottom - box.top + 8 : above}px`;
  }

  // How far a point lies outside of an extent.
  const outside = (point, low, high) => Math.max(low - point, point - high, 0);

  // The nearest mark along the axis that names the marks; of several there, the nearest across.
  function point(event) {
    const {marks, spec} = drawing();
    const distances = marks.map(mark => {
      const box = mark.getBoundingClientRect();
      const across = outside(event.clientX, box.left, box.right), down = outside(event.clientY, box.top, box.bottom);
      return spec.kind === "bars" ? down * 1e4 + across : across * 1e4 + down;
    });
    choose(distances.indexOf(Math.min(...distances)));
  }

  chart.addEventListener("pointermove", point);
  chart.addEventListener("pointerdown", point);
  chart.addEventListener("pointerleave", event => { if (event.pointerType === "mouse") choose(-1); });
  chart.addEventListener("blur", () => choose(-1));
  chart.addEventListener("keydown", event => {
    if (event.key in STEPS) {
      event.preventDefault();
      choose(Math.max(0, chosen + STEPS[event.key]));
    } else if (event.key === "Escape") {
      choose(-1);
    }
  });
  return () => choose(-1);
}
