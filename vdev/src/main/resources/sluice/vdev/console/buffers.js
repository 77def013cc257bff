// The table of buffers, a part of it at a time: there may be thousands.
const ROWS = 50;
const hex = number => "0x" + number.toString(16);

function cell(row, text, className = "") {
    const made = row.insertCell();
    made.textContent = text;
    made.className = className;
}

function ranges(owners) {
    return owners.map(range => {
        const who = range.owner ? range.owner + (range.others ? ` and ${range.others} more` : "") : "CPU";
        return `${hex(range.from)}–${hex(range.end)} ${who}${range.owner ? range.writes ? " (writes)" : " (reads)" : ""}`;
    }).join(", ");
}

export class Buffers {
    constructor(byId) {
        this.byId = byId;
        this.from = 0;
        this.last = "";
        byId("buffers-back").addEventListener("click", () => this.move(-ROWS));
        byId("buffers-on").addEventListener("click", () => this.move(ROWS));
    }

    async move(by) {
        this.from = Math.max(0, this.from + by);
        await this.update();
    }

    async update() {
        const answer = await fetch(`buffers.json?from=${this.from}&count=${ROWS}`);
        if (!answer.ok) throw new Error(await answer.text());
        const text = await answer.text();
        if (text === this.last) return;
        this.last = text;
        this.show(JSON.parse(text));
    }

    show(table) {
        const end = table.from + table.buffers.length;
        this.byId("buffer-range").textContent = table.buffers.length
            ? `${table.from + 1} to ${end} of ${table.total}` : `none of ${table.total}`;
        this.byId("buffers-back").disabled = table.from === 0;
        this.byId("buffers-on").disabled = end >= table.total;
        const rows = document.createElement("tbody");
        for (const buffer of table.buffers) {
            const row = rows.insertRow();
            cell(row, buffer.number, "number");
            cell(row, buffer.name);
            cell(row, buffer.size.toLocaleString("en"), "number");
            cell(row, buffer.exporter);
            cell(row, buffer.state);
            cell(row, buffer.attachments.map(one => one.device + (one.mapped ? ` (${one.mapped})` : "")).join(", "));
            cell(row, ranges(buffer.owners));
            cell(row, buffer.transfers.toLocaleString("en"), "number");
            cell(row, buffer.writtenBack.toLocaleString("en"), "number");
            cell(row, buffer.invalidated.toLocaleString("en"), "number");
        }
        this.byId("buffer-rows").replaceChildren(...rows.rows);
    }
}
