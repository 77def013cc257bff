// Recording and profile: a button each, which starts and stops, and what came of it.
const BUSY = { starting: "starting …", stopping: "writing …" };
const cards = new Map();

class Card {
    constructor(name, parent) {
        this.name = name;
        this.isRunning = false;
        this.box = document.createElement("span");
        this.box.className = "capture";
        this.button = document.createElement("button");
        this.button.type = "button";
        this.button.id = name;
        this.button.addEventListener("click", () => this.toggle());
        this.status = document.createElement("output");
        this.status.id = name + "-status";
        this.status.htmlFor.add(name);
        this.files = document.createElement("span");
        this.files.id = name + "-files";
        this.box.append(this.button, " ", this.status, this.files);
        parent.append(this.box);
    }

    async toggle() {
        try {
            const answer = await fetch(`${this.name}/${this.isRunning ? "stop" : "start"}`, { method: "POST" });
            if (!answer.ok) this.tell(await answer.text(), true);
        } catch (problem) {
            this.tell("no answer: " + problem.message, true);
        }
    }

    tell(text, isBad) {
        if (this.status.textContent !== text) this.status.textContent = text;
        this.status.className = isBad ? "lost" : "";
    }

    /** A link for each file; those that are there stay, with the focus. */
    offer(path, files) {
        const text = files.join();
        if (this.files.dataset.names === text) return;
        this.files.dataset.names = text;
        const own = path.slice(path.lastIndexOf("/") + 1) + "-";
        this.files.replaceChildren(...files.flatMap((file, i) => {
            const link = document.createElement("a");
            link.href = `files/${encodeURIComponent(file)}`;
            link.download = file;
            link.textContent = file.startsWith(own) ? file.slice(own.length) : file;
            link.setAttribute("aria-label", "Download " + link.textContent);
            return [i ? ", " : " · download ", link];
        }));
    }

    show({ phase, path, problem, files }) {
        this.isRunning = phase === "running";
        this.button.textContent = (this.isRunning ? "Stop " : "Start ") + this.name;
        this.button.setAttribute("aria-pressed", this.isRunning);
        // Still focusable: a button that is disabled would lose the focus of who has just pressed it.
        this.button.setAttribute("aria-disabled", phase in BUSY);
        if (problem) this.tell(problem, true);
        else if (phase in BUSY) this.tell(BUSY[phase], false);
        else if (path) this.tell((this.isRunning ? "into " : "written: ") + path, false);
        this.offer(path, files);
    }
}

/** Shows what may be started and stopped. */
export function showCaptures(captures, parent) {
    for (const capture of captures) {
        if (!cards.has(capture.name)) cards.set(capture.name, new Card(capture.name, parent));
        cards.get(capture.name).show(capture);
    }
}
