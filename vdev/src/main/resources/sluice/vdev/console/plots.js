// Values over time, and their plots by uPlot.
import uPlot from "./uplot.js";

/** Samples kept of each value: five minutes. */
const KEPT = 300;

/** The latest values of all counters; of those that count, what is plotted is the increase per second. */
export class History {
    constructor() {
        this.series = new Map();
        this.selected = new Set();
    }

    /** Adds a sample, and returns the increase per second since the last one, or null. */
    add(key, seconds, value, counts, unit) {
        let one = this.series.get(key);
        if (!one) this.series.set(key, one = { times: [], values: [], last: null, unit: counts ? unit + "/s" : unit });
        const before = one.last;
        one.last = { seconds, value };
        const rate = before && seconds > before.seconds ? (value - before.value) / (seconds - before.seconds) : null;
        if (counts && rate === null) return null;
        one.times.push(seconds);
        one.values.push(counts ? rate : value);
        if (one.times.length > KEPT) {
            one.times.shift();
            one.values.shift();
        }
        return rate;
    }

    select(key, isWanted) {
        if (isWanted) this.selected.add(key);
        else this.selected.delete(key);
    }
}

const HEIGHT = 180;
const plots = new Map();
/** uPlot draws at a fixed width: that of the box, which other plots and the window change. */
const resized = new ResizeObserver(entries => {
    for (const { target } of entries)
        for (const { box, plot } of plots.values())
            if (box === target && box.clientWidth > 0) plot.setSize({ width: box.clientWidth, height: HEIGHT });
});

function make(key, one, parent) {
    const box = document.createElement("div");
    box.className = "plot";
    box.setAttribute("role", "img");
    parent.append(box);
    const ink = matchMedia("(prefers-color-scheme: dark)").matches ? "#bbb" : "#444";
    const axis = { stroke: ink, grid: { stroke: "#8883" }, ticks: { stroke: "#8883" } };
    const plot = new uPlot({
        title: key, width: box.clientWidth, height: HEIGHT, cursor: { drag: { x: false, y: false } },
        scales: { x: { time: false }, y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.1 : 1] } },
        axes: [{ ...axis, label: "seconds" }, { ...axis, size: 70 }],
        series: [{ label: "s" }, { label: one.unit, stroke: "#28c", fill: "#28c2", width: 2 }],
    }, [one.times, one.values], box);
    return { box, plot };
}

/** Draws the selected ones. */
export function showPlots(history, parent) {
    for (const [key, drawn] of plots) {
        if (history.selected.has(key)) continue;
        resized.unobserve(drawn.box);
        drawn.plot.destroy();
        drawn.box.remove();
        plots.delete(key);
    }
    for (const key of history.selected) {
        const one = history.series.get(key);
        if (!one || one.times.length < 2) continue;
        let drawn = plots.get(key);
        if (!drawn) {
            plots.set(key, drawn = make(key, one, parent));
            resized.observe(drawn.box);
        }
        drawn.plot.setData([one.times, one.values]);
        drawn.box.setAttribute("aria-label", `${key}: ${one.values.at(-1).toFixed(1)} ${one.unit}`);
    }
}
