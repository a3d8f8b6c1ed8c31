// Reads `state` every two seconds and shows it. Nothing that the service says becomes markup:
// text goes in by textContent alone.
"use strict";

const EVERY = 2000, KEPT = 300, RATE = 10, SHARE = 60; // ms; then seconds
const PAIRS = { validation_failures: ["check", "field"], shadow_counts: ["kind", "would"] };
const SIGNS = { ok: "✓ ok", warn: "▲ warn", drift: "■ drift" };
const TONES = { ok: "good", warn: "doubt", drift: "bad" };
const $ = (id) => document.getElementById(id);

// --- elements -------------------------------------------------------------------------

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "text") node.textContent = value;
    else if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((one) => one !== null && one !== undefined));
  return node;
}
const broken = (text) => text.split(/(?<=[.:_])/).flatMap((part) => [part, el("wbr")]); // (where a line may end)
const el = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// --- words for numbers ----------------------------------------------------------------

function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toFixed(size >= 1e7 ? 1 : 2)}M`;
  if (size >= 1e4) return `${(value / 1e3).toFixed(size >= 1e5 ? 0 : 1)}k`;
  if (Number.isInteger(value) || size >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(size >= 0.1 ? 1 : 2);
}
function share(value) {
  if (value === null) return "–";
  const percent = 100 * value;
  if (percent === 0 || percent === 100) return `${percent}%`;
  return percent < 0.1 ? "<0.1%" : `${Number(percent.toFixed(percent > 99 || percent < 10 ? 1 : 0))}%`;
}
function seconds(value) {
  const [scale, unit] = value < 0.001 ? [1e6, "µs"] : value < 1 ? [1e3, "ms"] : [1, "s"];
  return `${Number((value * scale).toPrecision(value * scale >= 100 ? 3 : 2))} ${unit}`;
}
function bytes(value) {
  const at = Math.min(4, Math.floor(Math.log2(Math.max(value, 1)) / 10));
  const scaled = value / 2 ** (10 * at);
  return `${scaled >= 100 || !at ? Math.round(scaled) : scaled.toFixed(1)} ${["B", "KiB", "MiB", "GiB", "TiB"][at]}`;
}
function span(value) {
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const at = Math.max(0, parts.findIndex(([size]) => value >= size));
  const [first, second] = [parts[value < 1 ? 3 : at], parts[at + 1]];
  const whole = Math.floor(value / first[0]), rest = second ? Math.floor((value % first[0]) / second[0]) : 0;
  return `${whole} ${first[1]}${rest && first[0] > 60 ? ` ${rest} ${second[1]}` : ""}`;
}
const sum = (counts) => Object.values(counts || {}).reduce((total, one) => total + one, 0);
const clock = (time) => new Date(time).toLocaleTimeString([], { hour12: false });

// --- what was read: figures of a minute, points of five -------------------------------

const past = [];
const points = new Map();
let now = null;

function figures(one) {
  const { rules, drift, ...kept } = one;
  for (const [key, labels] of Object.entries(PAIRS))
    kept[key] = Object.fromEntries(one[key].map((row) => [labels.map((name) => row[name]).join(" · "), row.count]));
  return kept;
}
function whole(functions) {
  const total = { calls: {}, refusals: {}, retries: {}, cache_requests: {}, durations: null };
  for (const one of functions.values())
    for (const key of ["calls", "refusals", "retries", "cache_requests"])
      for (const [name, count] of Object.entries(one[key])) total[key][name] = (total[key][name] || 0) + count;
  return total;
}
function take(state) {
  const functions = new Map(state.functions.map((one) => [one.function, figures(one)]));
  functions.set("", whole(functions));
  past.push({ time: state.time, functions });
  while (past.length > 2 && past[1].time <= state.time - SHARE) past.shift();
  now = state;
  for (const name of functions.keys()) {
    const kept = points.get(name) || points.set(name, []).get(name);
    if (past.length > 1) kept.push({ time: state.time, ...measured(name, RATE), wrong: measured(name, SHARE).errors > 0 });
    while (kept.length && kept[0].time < state.time - KEPT) kept.shift();
  }
  for (const name of points.keys()) if (!functions.has(name)) points.delete(name);
}
// Between the last state and one that is so many seconds older, or the oldest there is.
function between(name, length) {
  const last = past[past.length - 1];
  const first = past.findLast((one) => one.time <= last.time - length + 0.5) || past[0];
  const [after, before] = [last.functions.get(name), first.functions.get(name) || {}];
  const changed = (key) => Object.fromEntries(Object.entries(after[key] || {}).map(([label, count]) => {
    const less = (before[key] || {})[label] || 0;
    return [label, count < less ? count : count - less]; // a worker that left may take its counts along
  }));
  const [held, old] = [after.durations, before.durations];
  const buckets = held && held.buckets.map(([bound, count], at) => {
    const less = old && old.buckets[at] ? old.buckets[at][1] : 0;
    return [bound, count < less ? count : count - less];
  });
  return { length: last.time - first.time, changed, buckets };
}
// Since when there have been errors: no minute without one; nothing if there are none.
function since(name) {
  const kept = points.get(name) || [], before = kept.findLastIndex((one) => !one.wrong);
  if (before === kept.length - 1) return "";
  return before < 0 ? "since before this page was open" : `since ${clock(1000 * kept[before + 1].time)}`;
}
function measured(name, length) {
  const { length: passed, changed, buckets } = between(name, length);
  const per = (counts) => (passed ? sum(counts) / passed : null);
  const [calls, asked, refusals, retries] = ["calls", "cache_requests", "refusals", "retries"].map(changed);
  const all = sum(calls), answers = sum(asked), retried = sum(retries);
  const [often] = Object.entries(changed("errors")).filter(([, count]) => count).sort((one, other) => other[1] - one[1]);
  return {
    why: often ? often[0] : "",
    rate: Object.keys(calls).length ? per(calls) : null,
    errors: all ? (calls.error || 0) / all : null,
    failed: all ? ((calls.error || 0) + (calls.refused || 0)) / all : null,
    hits: answers ? ((asked.hit || 0) + (asked.stale || 0)) / answers : null,
    retried: Object.keys(retries).length ? retried / (passed || 1) : null,
    refused: Object.keys(refusals).length ? per(refusals) : null,
    reasons: Object.entries(refusals).filter(([, count]) => count).map(([kind]) => kind),
    p50: quantile(buckets, 0.5), p95: quantile(buckets, 0.95), p99: quantile(buckets, 0.99),
  };
}
// A quantile is no better known than its bucket: below the first and above the last, only that.
function quantile(buckets, wanted) {
  const total = (buckets || []).reduce((all, [, count]) => all + count, 0);
  let [below, low] = [0, 0];
  for (const [at, [bound, count]] of (total ? buckets : []).entries()) {
    if (count && below + count >= wanted * total) {
      if (bound === null) return { value: low, text: `> ${seconds(low)}` };
      const value = low + ((bound - low) * (wanted * total - below)) / count;
      return { value, text: at ? seconds(value) : `< ${seconds(bound)}` };
    }
    [below, low] = [below + count, bound];
  }
  return null;
}

// --- drawings -------------------------------------------------------------------------

function spark(name, pick, red) {
  const kept = points.get(name) || [], end = now.time, length = kept.length ? Math.min(KEPT, Math.max(SHARE, end - kept[0].time)) : KEPT;
  const values = kept.map((one) => [one.time, pick(one)]);
  const most = Math.max(1e-9, ...values.map(([, value]) => value || 0));
  let [line, area, open] = ["", "", null];
  const close = () => { if (open !== null) area += `L${open} 24Z`; open = null; };
  let last = 0;
  for (const [time, value] of values) {
    const x = (100 * (1 - (end - time) / length)).toFixed(2);
    if (value === null || value === undefined) { if (open !== null) area += `L${last} 24`; close(); continue; }
    const y = (22.5 - 20 * (value / most)).toFixed(2);
    line += `${open === null ? "M" : "L"}${x} ${y}`;
    area += open === null ? `M${x} 24L${x} ${y}` : `L${x} ${y}`;
    if (open === null) open = x;
    last = x;
  }
  if (open !== null) area += `L${last} 24`;
  close();
  return svg("svg", { class: red && most > 1e-9 ? "spark red" : "spark", viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { class: "area", d: area }), svg("path", { class: "stroke", d: line }));
}
// Bars are what is, the line over them what it is compared with; each scaled to its own total.
function bars(counts, compared) {
  const shares = (list) => { const total = list.reduce((all, one) => all + one, 0) || 1; return list.map((one) => one / total); };
  const [is, was] = [shares(counts), shares(compared || [])];
  const most = Math.max(1e-9, ...is, ...was), wide = 100 / counts.length;
  const y = (value) => (100 - 96 * (value / most)).toFixed(2);
  return svg("svg", { class: "bars", viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" },
    ...is.map((one, at) => svg("rect", { x: at * wide + wide * 0.08, width: wide * 0.84, y: y(one), height: 100 - y(one) })),
    was.length ? svg("path", { d: was.map((one, at) => `${at ? "L" : "M"}${at * wide} ${y(one)}H${(at + 1) * wide}`).join("") }) : null);
}

// --- the table ------------------------------------------------------------------------

const beside = (drawing, figure) => el("div", { class: "pair" }, drawing, figure);
const uncounted = (one) => one.of.durations === null;
const none = (title) => el("span", { class: "none", text: "–", title });
function latency(name) {
  return (one) => {
    const found = one[name], wanted = name === "p99" ? one.of.slo.p99 : null;
    if (!found) return [none("no calls in the last minute")];
    const over = wanted && found.value > wanted;
    const figure = el("span", { class: over ? "bad" : null, text: over ? `▲ ${found.text}` : found.text });
    return [name === "p95" ? beside(spark(one.name, (point) => point.p95 && point.p95.value), figure) : figure,
      wanted ? el("span", { class: "sub", text: `of ${seconds(wanted)}` }) : null];
  };
}
const COLUMNS = [
  { title: "Function", by: (one) => one.name },
  { title: "Calls /s", by: (one) => one.rate, show: (one) => (one.rate === null
    ? [none(uncounted(one) ? "no monitor rule counts its calls" : "asking once more")]
    : [beside(spark(one.name, (point) => point.rate), el("span", { text: number(one.rate) }))]), idle: uncounted },
  { title: "Errors", by: (one) => one.errors, show: (one) => {
    if (one.errors === null) return [none("no calls in the last minute")];
    const wanted = one.of.slo.error_rate, over = wanted !== undefined && one.failed > wanted;
    const figure = el("span", { text: share(one.errors) });
    return [one.of.calls.error ? beside(spark(one.name, (point) => point.errors, true), figure) : figure,
      one.why ? el("span", { class: "sub", text: one.why, title: `${one.why}, the most frequent of the last minute; errors ${since(one.name)}` }) : null,
      wanted === undefined ? null : el("span", { class: over ? "sub bad" : "sub", text: `${over ? "▲ " : ""}${share(one.failed)} of ${share(wanted)}`, title: "failed or refused, of what the objective allows" })];
  }, idle: uncounted },
  { title: "p50", by: (one) => one.p50 && one.p50.value, show: latency("p50"), idle: uncounted },
  { title: "p95", by: (one) => one.p95 && one.p95.value, show: latency("p95"), idle: uncounted },
  { title: "p99", by: (one) => one.p99 && one.p99.value, show: latency("p99"), idle: uncounted },
  { title: "Cache hits", by: (one) => one.hits, show: (one) => [one.hits === null ? none("no cache, or not asked") : share(one.hits)], idle: (one) => !sum(one.of.cache_requests) },
  { title: "Retries /s", by: (one) => one.retried, show: (one) => [one.retried === null ? none("no retry rule") : number(one.retried)], idle: (one) => one.retried === null },
  { title: "Refused /s", by: (one) => one.refused, show: (one) => (one.refused === null ? [none("no rule that refuses")]
    : [number(one.refused), one.reasons.length ? el("span", { class: "sub", text: one.reasons.join(", ") }) : null]), idle: (one) => !one.refused },
  { title: "In flight", by: (one) => one.of.in_flight, show: (one) => [one.of.in_flight === null ? none("no monitor rule") : number(one.of.in_flight)], idle: uncounted },
  { title: "Drift", by: (one) => one.level, show: (one) => (one.level === null ? [none("no drift rule")]
    : [el("span", { class: TONES[one.drift], text: SIGNS[one.drift] })]), idle: (one) => one.level === null },
];
const order = { column: 2, down: true }; // what fails comes first
const rows = new Map();

function sortBy(column) {
  order.down = order.column === column ? !order.down : column > 0;
  order.column = column;
  arrange();
}
function head() {
  for (const [at, { title }] of COLUMNS.entries()) {
    $("head").append(el("th", { scope: "col", role: "columnheader" }, el("button", { type: "button", text: title, click: () => sortBy(at) })));
    $("sort").append(el("option", { value: at, text: title }));
  }
  $("sort").addEventListener("change", () => { order.column = -1; sortBy(Number($("sort").value)); });
  $("filter").addEventListener("input", arrange);
}
function row(name) {
  const id = `detail-${rows.size}`, [module, rest] = name.split(":");
  const toggle = el("button", { type: "button", class: "name", "aria-expanded": "false", "aria-controls": id },
    el("span", {}, ...broken(`${module}:`)), ...broken(rest || ""));
  const badges = el("div", { class: "badges" });
  const cells = COLUMNS.map(({ title }) => el("td", { role: "cell", "data-label": title }));
  cells[0].append(toggle, badges);
  const made = { name, toggle, badges, cells, tr: el("tr", { class: "row", role: "row" }, ...cells), rulesOf: "",
    rules: el("div"), figures: el("div"), detail: null, one: null };
  made.detail = el("tr", { class: "detail", id, role: "row", hidden: "" }, el("td", { role: "cell", colspan: COLUMNS.length }, made.figures, made.rules));
  made.tr.addEventListener("click", () => { if (!String(getSelection())) open(made, made.detail.hidden); });
  return made;
}
function open(made, wide) {
  made.detail.hidden = !wide;
  made.tr.classList.toggle("open", wide);
  made.toggle.setAttribute("aria-expanded", String(wide));
  if (wide) detail(made);
}
function badge(rule) {
  const word = { enforce: "", shadow: " · shadow", disabled: " · off" }[rule.mode];
  return el("span", { class: `badge ${rule.mode}`, text: rule.kind + word, title: `${rule.mode} · ${rule.source}` });
}
function update(made, of) {
  const worst = of.drift.map((one) => Object.keys(SIGNS).indexOf(one.state)).filter((one) => one >= 0);
  const level = worst.length ? Math.max(...worst) : null;
  const rates = past.length > 1 ? measured(made.name, RATE) : { rate: null, retried: null, refused: null, reasons: [] };
  const shares = past.length > 1 ? measured(made.name, SHARE) : { errors: null, hits: null };
  made.one = { ...rates, ...shares, rate: rates.rate, retried: rates.retried, refused: rates.refused, name: made.name, of, level, drift: Object.keys(SIGNS)[level] };
  const key = JSON.stringify([of.rules, of.state]);
  if (key !== made.rulesOf) {
    made.rulesOf = key;
    made.badges.replaceChildren(...(of.state && of.state !== "applied" ? [el("span", { class: "badge wrong", text: `! ${of.state}` })] : []), ...of.rules.map(badge));
    made.rules.replaceChildren(...rulesShown(of));
    made.text = [made.name, of.state, ...of.rules.flatMap((rule) => [rule.kind, rule.mode])].join(" ").toLowerCase();
  }
  for (const [at, column] of COLUMNS.entries()) {
    if (column.show) made.cells[at].replaceChildren(...column.show(made.one).filter(Boolean));
    if (column.idle) made.cells[at].classList.toggle("idle", column.idle(made.one));
  }
  if (!made.detail.hidden) detail(made);
}
function arrange() {
  const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const by = COLUMNS[order.column].by, sign = order.down ? -1 : 1;
  const shown = [...rows.values()].filter((made) => words.every((word) => made.text.includes(word)));
  const key = (made) => { const value = by(made.one); return value === undefined ? null : value; };
  shown.sort((one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (a < b ? -1 : a > b ? 1 : 0);
  });
  const wanted = shown.flatMap((made) => [made.tr, made.detail]), body = $("rows");
  // Moved only where the order is another: what has the focus keeps it.
  if (wanted.length !== body.children.length || wanted.some((one, at) => body.children[at] !== one)) {
    const focused = document.activeElement;
    body.replaceChildren(...wanted);
    if (body.contains(focused)) focused.focus({ preventScroll: true });
  }
  for (const [at, cell] of [...$("head").children].entries())
    cell.setAttribute("aria-sort", at !== order.column ? "none" : order.down ? "descending" : "ascending");
  $("sort").value = String(order.column);
  $("count").textContent = words.length ? `${shown.length} of ${rows.size}` : String(rows.size);
  $("nothing").hidden = shown.length > 0;
  $("nothing").textContent = rows.size ? "No function matches the filter." : "No function is governed here: is a policy in force?";
}

// --- one function, opened -------------------------------------------------------------

function rulesShown(of) {
  const short = (place) => place.split("/").pop(); // (the whole is in the title, and at the rule)
  const settings = (list) => el("table", { class: "settings" }, el("tbody", {}, ...list.map((one) =>
    el("tr", {}, el("th", { scope: "row", text: one.setting }), el("td", { text: one.value }), el("td", { text: short(one.place || ""), title: [one.place, one.layer].filter(Boolean).join(" · ") })))));
  const card = (rule) => {
    const [written, builtIn] = [rule.settings.filter((one) => one.place), rule.settings.filter((one) => !one.place)];
    return el("section", { class: "card" }, el("h4", {}, badge(rule), el("span", { class: "place", text: rule.source })),
      written.length ? settings(written) : null,
      builtIn.length ? el("details", {}, el("summary", { text: `${builtIn.length} built-in values` }), settings(builtIn)) : null);
  };
  return [el("h3", { text: of.policies.length ? `Rules, of ${of.policies.join(", ")}` : "Rules" }),
    of.rules.length ? el("div", { class: "rules" }, ...of.rules.map(card)) : el("p", { class: "none", text: "Not known in the process that answers." })];
}
function counts(title, changed, totals) {
  const seen = Object.entries(totals || {});
  if (!sum(totals)) return null;
  const per = changed.length ? changed.of : {};
  return el("section", { class: "card" }, el("table", { class: "numbers" },
    el("thead", {}, el("tr", {}, ...[title, "/ min", "total"].map((text) => el("th", { scope: "col", text })))),
    el("tbody", {}, ...seen.map(([label, total]) => el("tr", {}, el("th", { scope: "row", text: label }),
      el("td", { text: changed.length ? number((60 * (per[label] || 0)) / changed.length) : "–" }), el("td", { text: total.toLocaleString("en") }))))));
}
function duration(buckets) {
  const used = buckets.map(([, count], at) => (count ? at : -1)).filter((at) => at >= 0);
  if (!used.length) return null;
  const shown = buckets.slice(Math.max(0, used[0] - 1), used[used.length - 1] + 2);
  const label = (bound) => (bound === null ? "more" : seconds(bound));
  const said = shown.map(([bound, count]) => `up to ${label(bound)}: ${count}`).join(", ");
  return el("section", { class: "card" }, el("h4", { text: "Durations, the last minute" }),
    el("div", { role: "img", "aria-label": said }, bars(shown.map(([, count]) => count))),
    el("div", { class: "axis" }, ...[...new Set([shown[0], shown[Math.floor(shown.length / 2)], shown[shown.length - 1]])].map(([bound]) => el("span", { text: bound === null ? label(bound) : `≤ ${label(bound)}` }))));
}
function drifted(one) {
  const shown = one.histogram, figure = (value) => (value === null || value === undefined ? "–" : Number(value.toPrecision(2)));
  const names = shown && shown.labels.map((name) => name.replace(/^-inf to (.*)/, "≤ $1").replace(/(.*) to inf$/, "> $1"));
  return el("section", { class: "card" },
    el("h4", {}, el("span", { text: one.signal }), el("span", { class: TONES[one.state], text: SIGNS[one.state] || "not judged yet" })),
    shown ? el("div", { role: "img", "aria-label": names.map((name, at) => `${name}: ${shown.window[at]}, reference ${shown.reference[at]}`).join("; ") }, bars(shown.window, shown.reference)) : null,
    shown && names.length ? el("div", { class: "axis" }, ...(names.length > 6 ? [names[0], names[names.length - 1]] : names).map((text) => el("span", { text }))) : null,
    el("p", { class: "legend", text: `${shown ? "bars: this window, line: reference · " : ""}score ${figure(one.score)} of ${figure(one.threshold)}` }),
    el("p", { class: "legend", text: `windows: ${Object.entries(one.windows).map(([state, count]) => `${count} ${state}`).join(" · ") || "none yet"}` }));
}
function detail(made) {
  const { of } = made.one, minute = past.length > 1 ? between(made.name, SHARE) : null;
  const last = past[past.length - 1].functions.get(made.name);
  const table = (title, key) => counts(title, { of: minute ? minute.changed(key) : {}, length: minute ? minute.length : 0 }, last[key]);
  const mean = of.durations && of.durations.count ? `mean ${seconds(of.durations.sum / of.durations.count)} of ${of.durations.count.toLocaleString("en")} calls` : null;
  const memory = of.memory_bytes.limit ? `memory ${bytes(of.memory_bytes.used)} of ${bytes(of.memory_bytes.limit)}` : null;
  const alarms = of.drift.length && of.drift_false_alarms !== null ? `${of.drift_false_alarms < 0.01 ? "<0.01" : of.drift_false_alarms.toFixed(2)} false alarms of drift expected` : null;
  const failing = made.one.why && `errors ${since(made.name)}`;
  made.figures.replaceChildren(el("h3", { text: ["Figures", failing, mean, memory, alarms].filter(Boolean).join(" · ") }),
    el("div", { class: "figures" }, ...[table("Errors", "errors"), table("Refusals", "refusals"), table("Calls", "calls"),
      minute && minute.buckets ? duration(minute.buckets) : null, table("Attempts", "attempts"),
      table("Retries, by how they ended", "retries"), table("Cache", "cache_requests"), table("Validation failures", "validation_failures"),
      table("In shadow: would have", "shadow_counts"), table("Memory decisions", "memory_decisions"), ...of.drift.map(drifted)].filter(Boolean)));
}

// --- the service as a whole -----------------------------------------------------------

function tile(title, figure, unit, more, extra, whole) {
  return el("section", { class: "tile" }, el("h2", { text: title }),
    el("p", { class: "figure", text: figure }, unit ? el("small", { text: unit }) : null), el("p", { class: "more", text: more, title: whole || more }), extra);
}
function tiles() {
  const ready = past.length > 1, rate = ready ? measured("", RATE) : {}, of = ready ? measured("", SHARE) : { errors: null, hits: null };
  const { used, limit, reserved } = now.memory_bytes, lost = now.dropped_events.filter((one) => one.count);
  const part = limit ? used / limit : 0, bar = el("div", { class: part > 0.85 ? "gauge full" : "gauge", role: "meter", "aria-label": "Memory in use", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(100 * part) }, el("i"), el("i"));
  const [worst] = [...rows.values()].map((made) => made.one).filter((one) => one.errors).sort((one, other) => other.errors - one.errors);
  bar.children[0].style.width = `${100 * part}%`;
  bar.children[1].style.width = limit && reserved ? `${(100 * reserved) / limit}%` : "0";
  $("tiles").replaceChildren(
    tile("Calls", number(rate.rate), "/s", `${number(now.functions.length)} function${now.functions.length === 1 ? "" : "s"}`, spark("", (one) => one.rate)),
    tile("Errors", share(of.errors), "", worst ? `${worst.name.split(/[:.]/).pop()}: ${worst.why}` : "none in the last minute", spark("", (one) => one.errors, true), worst ? `${worst.name}: ${worst.why}, ${since(worst.name)}` : undefined),
    tile("Refused", number(rate.refused), "/s", rate.reasons?.length ? `by ${rate.reasons.join(", ")}` : rate.refused === 0 ? "none in the last 10 s" : "no rule refuses", spark("", (one) => one.refused, true)),
    tile("Cache hits", share(of.hits), "", of.hits === null ? "no cache was asked" : "of the last minute", spark("", (one) => one.hits)),
    tile("Memory", limit ? share(part) : "–", limit ? `of ${bytes(limit)}` : "", limit ? `${bytes(used)} in use${reserved ? `, ${bytes(reserved)} reserved` : ""}` : "no memory rule", limit ? bar : null),
    tile("Events dropped", number(sum(lost.map((one) => one.count))), "", lost.length ? lost.map((one) => `${one.sink}: ${one.reason} ${number(one.count)}`).join(", ") : "none was lost"));
}
function facts() {
  const held = now.policy || {}, hash = (held.hash || "").replace(/^sha256:/, "");
  const pairs = [["policy", hash.slice(0, 12) || "none in force", held.hash ? `${held.hash} · ${held.files.join(", ")}` : null, "code"],
    ["environment", held.environment || "none"], ["in force", held.since ? span(now.time - held.since) : "–", held.since ? new Date(1000 * held.since).toString() : null],
    ["workers", String(now.workers), `answered by process ${now.pid}`], ["version", now.version]];
  $("facts").replaceChildren(...pairs.map(([name, value, title, kind]) => el("div", { title }, el("dt", { text: name }), el("dd", { text: value, class: kind }))));
}
function draw() {
  facts();
  for (const of of now.functions) {
    const made = rows.get(of.function) || rows.set(of.function, row(of.function)).get(of.function);
    update(made, of);
  }
  const names = new Set(now.functions.map((one) => one.function));
  for (const name of rows.keys()) if (!names.has(name)) rows.delete(name);
  tiles();
  arrange();
}

// --- asking ---------------------------------------------------------------------------

let [timer, lost] = [0, 0];
function say(kind, text) {
  $("live").className = `live is-${kind}`;
  $("live-text").textContent = text;
}
async function ask() {
  clearTimeout(timer);
  const began = performance.now();
  try {
    const answer = await fetch("state", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    const state = await answer.json();
    if (state.schema !== "mlpolicy.state/1") throw new Error(`it speaks ${state.schema || "another language"}`);
    take(state);
    draw();
    lost = 0;
    $("trouble").hidden = true;
    say("live", `live, ${clock(1000 * state.time)}`);
  } catch (error) {
    lost = lost || Date.now();
    const why = error instanceof TypeError ? "it cannot be reached" : error.name === "TimeoutError" ? "it takes longer than 5 s" : error.message;
    const text = `The service has not answered since ${clock(lost)}: ${why}. ${now ? "What is shown is older. " : ""}Asking again.`;
    if ($("trouble").textContent !== text) $("trouble").textContent = text;
    $("trouble").hidden = false;
    say("lost", "no answer");
  }
  document.body.classList.toggle("stale", lost > 0);
  // A service that takes long to answer is asked less often: at most a twentieth of its time.
  const pause = Math.max(EVERY, 20 * (performance.now() - began));
  if (!document.hidden) timer = setTimeout(ask, past.length === 1 ? 1000 : Math.min(pause, 30000));
}
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) ask();
  else { clearTimeout(timer); say("paused", "paused"); }
});
$("host").textContent = location.host;
document.title = `mlpolicy · ${location.host}`;
head();
if (!document.hidden) ask();
