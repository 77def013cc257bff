// The page of a console: reads state.json each second, and shows what has changed.
import { showScreens } from "./screens.js";
import { History, showPlots } from "./plots.js";
import { Buffers } from "./buffers.js";
import { showCaptures } from "./captures.js";

const PERIOD = 1000;
const PATIENCE = 10000;
const byId = id => document.getElementById(id);
const history = new History();
const buffers = new Buffers(byId);
const tables = new Map();

/** An element with text, which is never taken for markup: guests can name things. */
function element(name, text = "", className = "") {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    return made;
}

/** The numbers of a metric, by their labels; one without labels has the empty one. */
function numbers(metric) {
    if (metric.value !== undefined) return { "": metric.value };
    if (metric.kind === "counters") return metric.values;
    if (metric.kind !== "times") return {};
    return Object.fromEntries(Object.entries(metric.values)
        .flatMap(([label, times]) => [[label + " p50 µs", times.p50], [label + " p99 µs", times.p99]]));
}

function tableOf(device) {
    const known = tables.get(device.name);
    if (known) return known;
    const details = document.createElement("details");
    details.open = tables.size < 2;
    details.append(element("summary", device.name));
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const title of ["Plot", "Counter", "Value", "Per second", "Unit", "Meaning"]) {
        const cell = element("th", title);
        cell.scope = "col";
        if (title === "Value" || title === "Per second") cell.className = "number";
        head.append(cell);
    }
    details.append(table);
    byId("devices").append(details);
    const made = { body: table.createTBody(), rows: new Map() };
    tables.set(device.name, made);
    return made;
}

function rowOf(table, key, name, metric, isFirst) {
    const known = table.rows.get(key);
    if (known) return known;
    const row = table.body.insertRow();
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = isFirst;
    box.setAttribute("aria-label", "plot " + key);
    if (isFirst) history.select(key, true);
    box.addEventListener("change", () => history.select(key, box.checked));
    row.insertCell().append(box);
    row.append(element("td", name), element("td", "", "number"), element("td", "", "number"),
        element("td", metric.unit), element("td", metric.help));
    table.rows.set(key, row);
    return row;
}

function showDevice(device, now) {
    const table = tableOf(device);
    for (const metric of device.metrics) {
        for (const [label, value] of Object.entries(numbers(metric))) {
            const name = label ? `${metric.name} ${label}` : metric.name;
            const key = `${device.name} ${name}`;
            const counts = metric.kind === "counter" || metric.kind === "counters";
            const rate = history.add(key, now, value, counts, metric.unit);
            if (!table.rows.has(key) && value === 0 && label) continue;
            const row = rowOf(table, key, name, metric, tables.size <= 4 && table.rows.size === 0);
            row.cells[2].textContent = value.toLocaleString("en");
            row.cells[3].textContent = counts && rate !== null ? rate.toLocaleString("en", { maximumFractionDigits: 1 }) : "";
        }
    }
}

function showFindings(state) {
    const rows = byId("finding-rows");
    const all = [...state.findings.map(one => ["error", one]), ...state.hints.map(one => ["hint", one])];
    const shown = all.slice(-200).reverse();
    rows.replaceChildren(...shown.map(([severity, one]) => {
        const row = document.createElement("tr");
        row.className = severity;
        row.append(element("td", one.times), element("td", severity), element("td", one.rule), element("td", one.device),
            element("td", one.buffer), element("td", one.what), element("td", one.site));
        return row;
    }));
    const faults = state.devices.flatMap(device => Object.entries(device.faults)
        .map(([reason, count]) => `${device.name}: ${count} × ${reason}`));
    byId("faults").textContent = faults.length ? "Faults of address spaces: " + faults.join(", ") : "No faults.";
}

let lastFindings = "";

const counted = (number, one) => `${number} ${one}${number === 1 ? "" : "s"}`;

function show(state) {
    const seconds = Math.floor(state.upMillis / 1000);
    byId("summary").textContent = [counted(state.devices.length, "device"), counted(state.buffers, "buffer"),
        counted(state.findings.length, "mistake"), counted(state.hints.length, "hint"), `up ${seconds} s`].join(", ");
    byId("summary").className = "";
    showCaptures(state.captures, byId("captures"));
    showScreens(state.screens, byId);
    for (const device of state.devices) showDevice(device, state.upMillis / 1000);
    const text = JSON.stringify([state.findings, state.hints, state.devices.map(device => device.faults)]);
    if (text !== lastFindings) showFindings(state);
    lastFindings = text;
    showPlots(history, byId("plots"));
}

async function tick() {
    try {
        const answer = await fetch("state.json", { signal: AbortSignal.timeout(PATIENCE) });
        if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
        show(await answer.json());
        await buffers.update();
    } catch (problem) {
        byId("summary").textContent = "no answer: " + problem.message;
        byId("summary").className = "lost";
    }
    setTimeout(tick, document.hidden ? 5 * PERIOD : PERIOD);
}

byId("show").addEventListener("click", async () => {
    const answer = await fetch("show", { method: "POST" });
    byId("shown").textContent = (await answer.text()).trim();
});
tick();
