package sluice.dmacore.laws;

import sluice.dmacore.laws.State.Turns;
import sluice.dmacore.laws.Step.Mode;
import sluice.dmacore.ownership.Direction;

import static sluice.dmacore.laws.State.LINE;

/** What a program has to keep of the calls that give ranges to a device and take them back, and of the device's accesses. */
final class MappingRules {
    private final State state;

    MappingRules(State state) {
        this.state = state;
    }

    // ---- the device's turn

    /**
     * Whether a device has a range, and nobody has written its lines since it was given them. Of these it may have given back other
     * bytes: the CPU may read those meanwhile, and write none.
     */
    boolean isDevices(int attachment, int from, int length) {
        Turns turns = state.turns[attachment];
        int buffer = state.port(attachment).buffer();
        int[] places = state.places[buffer];
        for (int i = from; i < from + length; i++) if (!turns.open[places[i]]) return false;
        int count = state.lines(buffer, from, length);
        for (int i = 0; i < count; i++) {
            int line = state.line(i);
            if (state.busy[line] > 0) return false;
            int since = Integer.MAX_VALUE;
            for (int at = line * LINE; at < (line + 1) * LINE; at++) {
                if (state.rewrite[at]) return false;
                if (!state.covers(attachment, at) || !turns.open[at]) continue;
                since = Math.min(since, turns.opened[at]);
            }
            for (int at = line * LINE; at < (line + 1) * LINE; at++) {
                if (!state.isUnclosedBy(at, attachment + 1) && state.closed[at] > since) return false;
            }
        }
        return true;
    }

    /** Whether a device that has a range sees the right bytes. */
    boolean isRightFor(int attachment, int from, int length) {
        Turns turns = state.turns[attachment];
        boolean bounced = state.port(attachment).bounced();
        int[] places = state.placesOf(attachment);
        for (int i = from; i < from + length; i++) {
            int at = places[i];
            if (state.undefined[at] || (bounced && !turns.good[at])) return false;
            boolean own = state.closed[at] != 0 && state.writer[at] == attachment + 1;
            if (!own && state.closed[at] > turns.openedToRead[at]) return false;
        }
        return true;
    }

    /** Whether no bounce buffer will be copied over an attachment's writes. */
    boolean isKept(int attachment, int from, int length) {
        int[] places = state.placesOf(attachment);
        for (int i = from; i < from + length; i++) if (state.isClobbered(places[i], attachment + 1)) return false;
        return true;
    }

    // ---- giving

    boolean allowsMap(Step.Map map) {
        int a = map.attachment();
        Turns turns = state.turns[a];
        if (!turns.attached || turns.live) return false;
        int buffer = state.port(a).buffer();
        int size = state.places[buffer].length;
        if (map.mode() == Mode.PLAIN) return allowsOpen(a, 0, size, map.direction(), map.direction());
        int count = state.lines(buffer, 0, size);
        for (int i = 0; i < count; i++) {
            int line = state.line(i);
            if (state.busy[line] > 0) return false;
            for (int at = line * LINE; at < (line + 1) * LINE; at++) {
                if (state.rewrite[at]) return false;
                // The kernel's words: it "assumes that it has been already transferred".
                if (map.mode() == Mode.SKIP && state.dirty[at]) return false;
            }
        }
        return true;
    }

    void map(Step.Map map) {
        Turns turns = state.turns[map.attachment()];
        turns.live = true;
        turns.wasMapped = true;
        turns.direction = map.direction();
        turns.mode = map.mode();
        for (int at = 0; at < turns.open.length; at++) turns.decide(at, false);
        state.clear(turns.good);
        if (map.mode() == Mode.SKIP) for (int at : state.placesOf(map.attachment())) turns.undecided[at] = true;
        if (map.mode() == Mode.PLAIN) {
            open(map.attachment(), 0, state.placesOf(map.attachment()).length, map.direction());
            // Copied into bounce memory also before the device only writes, so that what it leaves alone stays.
            if (state.port(map.attachment()).bounced())
                copyIn(map.attachment(), 0, state.placesOf(map.attachment()).length);
        } else if (map.mode() == Mode.SKIP && state.isCached(map.attachment())) {
            shareTurns(map.attachment());
        }
    }

    /** What another device that does not snoop was given, this one has by that. */
    private void shareTurns(int attachment) {
        Turns turns = state.turns[attachment];
        for (int at : state.placesOf(attachment)) {
            for (int other = 0; other < state.turns.length; other++) {
                Turns others = state.turns[other];
                if (other == attachment || !others.live || !state.isCached(other) || !state.covers(other, at)
                        || !others.open[at])
                    continue;
                turns.decide(at, true);
                turns.opened[at] = others.opened[at];
                turns.openedToRead[at] = others.openedToRead[at];
            }
        }
    }

    boolean allowsOpen(int a, int from, int length, Direction part) {
        return allowsOpen(a, from, length, part, state.turns[a].direction);
    }

    private boolean allowsOpen(int a, int from, int length, Direction part, Direction mapped) {
        int buffer = state.port(a).buffer();
        int count = state.lines(buffer, from, length);
        for (int i = 0; i < count; i++) {
            int line = state.line(i);
            if (state.busy[line] > 0) return false;
            for (int at = line * LINE; at < (line + 1) * LINE; at++) {
                if (state.rewrite[at]) return false;
                // Lost where it invalidates: only a mapping that is to fill all that there is may do so.
                if (!part.deviceReads() && state.isCached(a) && state.dirty[at] && (mapped != Direction.FROM_DEVICE
                        || state.isUnclosed(at) || state.isCopied(at) || !state.isIn(buffer, from, length, at)))
                    return false;
            }
        }
        if (!state.port(a).bounced() || !part.deviceReads()) return true;
        int[] places = state.places[buffer];
        for (int i = from; i < from + length; i++) if (state.isUnclosedBy(places[i], a + 1)) return false;
        return true;
    }

    void open(int a, int from, int length, Direction part) {
        Turns turns = state.turns[a];
        int buffer = state.port(a).buffer();
        int[] places = state.places[buffer];
        for (int i = from; i < from + length; i++) {
            turns.decide(places[i], true);
            turns.opened[places[i]] = state.now;
            if (part.deviceReads()) turns.openedToRead[places[i]] = state.now;
        }
        if (state.port(a).bounced() && part.deviceReads()) copyIn(a, from, length);
        if (!state.isCached(a)) return;
        int count = state.lines(buffer, from, length);
        for (int i = 0; i < count; i++) {
            int line = state.line(i);
            for (int at = line * LINE; at < (line + 1) * LINE; at++) {
                if (state.dirty[at] && !part.deviceReads()) state.undefined[at] = true;
                state.dirty[at] = false;
            }
        }
    }

    void copyIn(int a, int from, int length) {
        int[] places = state.placesOf(a);
        for (int i = from; i < from + length; i++)
            state.turns[a].good[places[i]] = !state.isUnclosedByDevice(places[i]) && !state.undefined[places[i]];
    }

    // ---- taking back

    boolean allowsUnmap(int a) {
        Turns turns = state.turns[a];
        if (!turns.live) return false;
        int buffer = state.port(a).buffer();
        int size = state.places[buffer].length;
        if (turns.mode != Mode.SKIP) return allowsClose(a, 0, size, turns.direction);
        int count = state.lines(buffer, 0, size);
        for (int i = 0; i < count; i++) {
            int line = state.line(i);
            if (state.busy[line] > 0) return false;
            for (int at = line * LINE; at < (line + 1) * LINE; at++)
                if (state.rewrite[at] || state.isUnclosedBy(at, a + 1)) return false;
        }
        return true;
    }

    void unmap(int a) {
        Turns turns = state.turns[a];
        if (turns.mode != Mode.SKIP) close(a, 0, state.placesOf(a).length, turns.direction);
        turns.live = false;
        state.clear(turns.open);
    }

    boolean allowsClose(int a, int from, int length, Direction part) {
        int buffer = state.port(a).buffer();
        int count = state.lines(buffer, from, length);
        for (int i = 0; i < count; i++) {
            int line = state.line(i);
            boolean wrote = isUnclosedBy(line, a + 1);
            if (isToRewrite(line) && (!wrote || state.busy[line] > 0)) return false;
            // In the middle of an access of the CPU nothing is taken without being fetched.
            if (state.busy[line] > 0 && wrote && !part.deviceWrites()) return false;
        }
        return part.deviceWrites() ? allowsTaking(a, from, length) : allowsRewriting(a + 1, buffer, from, length);
    }

    /** Whether what a device wrote can be taken back without losing anything. */
    boolean allowsTaking(int a, int from, int length) {
        int buffer = state.port(a).buffer();
        int count = state.lines(buffer, from, length);
        boolean bounced = state.port(a).bounced();
        for (int i = 0; i < count; i++) {
            int line = state.line(i);
            for (int at = line * LINE; at < (line + 1) * LINE; at++) {
                if (state.isCached(a) && state.dirty[at]) return false;
                if (bounced && state.isUnclosedByDevice(at) && state.writer[at] != a + 1) return false;
            }
        }
        if (!bounced) return true;
        int[] places = state.places[buffer];
        for (int i = from; i < from + length; i++) {
            int at = places[i];
            boolean right = state.turns[a].good[at] || state.isUnclosedBy(at, a + 1) || state.undefined[at];
            if (!right || state.isClobbered(at, a + 1)) return false;
        }
        return true;
    }

    /** Whether the CPU takes lines without looking that are all in the range, so that it can store all of them. */
    boolean allowsRewriting(int who, int buffer, int from, int length) {
        int count = state.lines(buffer, from, length);
        for (int i = 0; i < count; i++) {
            int line = state.line(i);
            if (!isUnclosedBy(line, who)) continue;
            for (int at = line * LINE; at < (line + 1) * LINE; at++)
                if (state.owners[at] != 0 && !state.isIn(buffer, from, length, at)) return false;
        }
        return true;
    }

    private boolean isToRewrite(int line) {
        for (int at = line * LINE; at < (line + 1) * LINE; at++) if (state.rewrite[at]) return true;
        return false;
    }

    private boolean isUnclosedBy(int line, int who) {
        for (int at = line * LINE; at < (line + 1) * LINE; at++) if (state.isUnclosedBy(at, who)) return true;
        return false;
    }

    void close(int a, int from, int length, Direction part) {
        int buffer = state.port(a).buffer();
        int[] places = state.places[buffer];
        for (int i = from; i < from + length; i++) state.turns[a].decide(places[i], false);
        if (part.deviceWrites()) {
            taken(a, from, length);
        } else {
            markRewriting(a + 1, buffer, from, length);
        }
    }

    void taken(int a, int from, int length) {
        int[] places = state.placesOf(a);
        boolean copied = state.port(a).bounced() && state.turns[a].direction.deviceWrites();
        for (int i = from; i < from + length; i++) {
            int at = places[i];
            state.rewrite[at] = false;
            if (copied) {
                boolean garbage = state.undefined[at];
                state.write(at, State.CPU, true);
                state.undefined[at] = garbage;
                state.turns[a].good[at] = !garbage;
                state.closed[at] = state.now;
            } else if (state.isUnclosedBy(at, a + 1)) {
                state.closed[at] = state.now;
            }
        }
    }

    void markRewriting(int who, int buffer, int from, int length) {
        int count = state.lines(buffer, from, length);
        for (int i = 0; i < count; i++) {
            int line = state.line(i);
            if (!isUnclosedBy(line, who)) continue;
            for (int at = line * LINE; at < (line + 1) * LINE; at++) state.rewrite[at] = state.owners[at] != 0;
        }
    }
}
