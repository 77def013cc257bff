// The screens of GPUs: noVNC over the console's WebSockets.
import RFB from "./novnc/core/rfb.js";

const cards = new Map();

function button(bar, text, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", action);
    bar.append(made);
    return made;
}

class Card {
    constructor(device, number, parent) {
        this.path = `screens/${encodeURIComponent(device)}/${number}`;
        this.rfb = null;
        const title = `${device}, screen ${number}`;
        this.box = document.createElement("div");
        this.box.className = "screen";
        this.box.setAttribute("role", "group");
        this.box.setAttribute("aria-label", title);
        const bar = document.createElement("div");
        bar.className = "bar";
        const heading = document.createElement("h3");
        heading.textContent = title;
        bar.append(heading);
        this.toggle = button(bar, "Connect", () => this.rfb ? this.rfb.disconnect() : this.connect());
        this.use = button(bar, "Use keyboard", () => this.rfb && this.rfb.focus());
        this.use.setAttribute("aria-describedby", "keys");
        button(bar, "Ctrl+Alt+Del", () => this.rfb && this.rfb.sendCtrlAltDel());
        button(bar, "Full screen", () => this.box.requestFullscreen());
        this.status = document.createElement("span");
        this.status.setAttribute("role", "status");
        bar.append(this.status);
        this.glass = document.createElement("div");
        this.glass.className = "glass";
        this.box.append(bar, this.glass);
        parent.append(this.box);
    }

    connect() {
        const url = new URL(this.path, location.href);
        url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
        this.rfb = new RFB(this.glass, url.href, { wsProtocols: ["binary"] });
        this.rfb.scaleViewport = true;
        this.rfb.showDotCursor = false;
        this.status.textContent = "connecting …";
        this.toggle.textContent = "Disconnect";
        this.rfb.addEventListener("connect", () => this.status.textContent = "connected");
        this.rfb.addEventListener("disconnect", event => {
            this.rfb = null;
            this.toggle.textContent = "Connect";
            this.status.textContent = event.detail.clean ? "disconnected" : "the connection was lost";
        });
    }
}

/** Shows a card for each; the first connects by itself. */
export function showScreens(screens, byId) {
    byId("no-screens").hidden = screens.length > 0;
    byId("keys").hidden = screens.length === 0;
    for (const { device, number } of screens) {
        const key = `${device} ${number}`;
        if (cards.has(key)) continue;
        const card = new Card(device, number, byId("screen-list"));
        cards.set(key, card);
        if (cards.size === 1) card.connect();
    }
}

window.addEventListener("keydown", event => {
    if (event.key !== "Escape" || !event.ctrlKey || !event.altKey) return;
    for (const card of cards.values()) {
        if (!card.rfb || !card.glass.contains(document.activeElement)) continue;
        event.preventDefault();
        event.stopImmediatePropagation();
        card.rfb.blur();
        card.use.focus();
    }
}, true);
