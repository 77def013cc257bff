package sluice.dmacore.laws;

import sluice.dmacore.laws.Setting.Kind;
import sluice.dmacore.laws.State.Turns;
import sluice.dmacore.laws.Step.Begin;
import sluice.dmacore.ownership.Direction;

import static sluice.dmacore.laws.State.CPU;
import static sluice.dmacore.laws.State.LINE;

/** The rules for CPU accesses, with and without begin and end. */
final class CpuRules {
    private final State state;
    private final MappingRules mappings;

    CpuRules(State state, MappingRules mappings) {
        this.state = state;
        this.mappings = mappings;
    }

    // ---- told

    boolean allowsBegin(Begin s) {
        int buffer = s.buffer();
        if (state.accesses.containsKey(s.access()) || state.kind(buffer) == Kind.DEVICE
                || !state.isInside(buffer, s.from(), s.length()))
            return false;
        int count = state.lines(buffer, s.from(), s.length());
        for (int i = 0; i < count; i++) if (!allowsBegin(s, state.line(i))) return false;
        for (int a = 0; a < state.turns.length; a++) {
            if (!s.direction().deviceWrites() || state.port(a).buffer() != buffer || !state.port(a).bounced()
                    || !state.turns[a].live || !state.turns[a].direction.deviceWrites() || !isOpenIn(a, s))
                continue;
            if (!mappings.allowsTaking(a, s.from(), s.length())) return false;
        }
        return true;
    }

    private boolean isOpenIn(int a, Begin s) {
        int[] places = state.places[s.buffer()];
        for (int i = s.from(); i < s.from() + s.length(); i++) if (state.turns[a].open[places[i]]) return true;
        return false;
    }

    private boolean allowsBegin(Begin s, int line) {
        boolean taken = false;
        boolean isDirty = false;
        for (int at = line * LINE; at < (line + 1) * LINE; at++) {
            if (state.rewrite[at]) return false;
            isDirty |= state.dirty[at];
            boolean inside = state.owners[at] == 0 || state.isIn(s.buffer(), s.from(), s.length(), at);
            for (int a = 0; a < state.turns.length; a++) {
                // What it borrows, it borrows of those who share this buffer, and as a whole line.
                if (state.covers(a, at) && state.turns[a].mayHave(at)
                        && (state.port(a).buffer() != s.buffer() || !inside))
                    return false;
            }
            if (!state.isUnclosedByDevice(at)) continue;
            if (state.port(state.writer[at] - 1).buffer() != s.buffer() || !inside) return false;
            taken = true;
        }
        if (s.direction() == Direction.TO_DEVICE) return !taken || (state.busy[line] == 0 && isWhole(s, line));
        return !isDirty || state.busy[line] > 0 || !isInvalidated(s.buffer(), line);
    }

    private boolean isWhole(Begin s, int line) {
        for (int at = line * LINE; at < (line + 1) * LINE; at++)
            if (state.owners[at] != 0 && !state.isIn(s.buffer(), s.from(), s.length(), at)) return false;
        return true;
    }

    /** Whether a begin that reads drops what is dirty in a line. */
    private boolean isInvalidated(int buffer, int line) {
        for (int a = 0; a < state.turns.length; a++) {
            if (!state.turns[a].live || !state.isCached(a) || state.port(a).buffer() != buffer) continue;
            for (int at = line * LINE; at < (line + 1) * LINE; at++) if (state.covers(a, at)) return true;
        }
        return false;
    }

    void begin(Begin s) {
        int buffer = s.buffer();
        for (int a = 0; a < state.turns.length; a++) {
            if (state.port(a).buffer() != buffer || !state.turns[a].live || !isOpenIn(a, s)) continue;
            if (s.direction().deviceWrites()) {
                mappings.taken(a, s.from(), s.length());
            } else {
                mappings.markRewriting(a + 1, buffer, s.from(), s.length());
            }
        }
        int count = state.lines(buffer, s.from(), s.length());
        for (int i = 0; i < count; i++) state.busy[state.line(i)]++;
        state.accesses.put(s.access(), s);
    }

    private boolean isWithin(int access, int from, int length) {
        Begin begun = state.accesses.get(access);
        return begun != null && from >= begun.from() && length > 0 && from + length <= begun.from() + begun.length();
    }

    boolean allowsRead(Step.Read s) {
        return isWithin(s.access(), s.from(), s.length())
                && state.open(s.access()).direction().deviceWrites()
                && isRight(s.buffer(), s.from(), s.length());
    }

    private boolean isRight(int buffer, int from, int length) {
        int[] places = state.places[buffer];
        for (int i = from; i < from + length; i++) {
            int at = places[i];
            if (state.undefined[at] || state.rewrite[at] || state.isUnclosedByDevice(at)) return false;
        }
        return true;
    }

    boolean allowsWrite(Step.Write s) {
        return isWithin(s.access(), s.from(), s.length())
                && state.open(s.access()).direction().deviceReads()
                && isStorable(s.buffer(), s.from(), s.length());
    }

    private boolean isStorable(int buffer, int from, int length) {
        int[] places = state.places[buffer];
        for (int i = from; i < from + length; i++) {
            int at = places[i];
            if (state.isClobbered(at, CPU) || (state.isUnclosedByDevice(at) && !state.rewrite[at])) return false;
        }
        return true;
    }

    void write(Step.Write s) {
        int[] places = state.places[s.buffer()];
        for (int i = s.from(); i < s.from() + s.length(); i++) {
            state.write(places[i], CPU, true);
            state.access[places[i]] = s.access();
        }
    }

    boolean allowsEnd(int access) {
        Begin s = state.accesses.get(access);
        if (s == null) return false;
        int count = state.lines(s.buffer(), s.from(), s.length());
        for (int i = 0; i < count; i++) {
            int line = state.line(i);
            for (int at = line * LINE; at < (line + 1) * LINE; at++) if (state.rewrite[at]) return false;
        }
        return true;
    }

    void end(int access) {
        Begin s = state.open(access);
        state.accesses.remove(access);
        state.ended.add(access);
        int[] places = state.places[s.buffer()];
        int count = state.lines(s.buffer(), s.from(), s.length());
        for (int i = 0; i < count; i++) {
            state.busy[state.line(i)]--;
            offer(state.line(i));
        }
        for (int i = s.from(); i < s.from() + s.length(); i++) {
            int at = places[i];
            if (state.isUnclosedBy(at, CPU) && state.access[at] == access) state.closed[at] = state.now;
        }
        for (int a = 0; a < state.turns.length; a++)
            if (state.port(a).buffer() == s.buffer() && state.turns[a].live) giveBack(a, s);
    }

    /** A line goes to all who may have it, through whichever buffer. */
    private void offer(int line) {
        for (Turns turns : state.turns) {
            for (int at = line * LINE; at < (line + 1) * LINE; at++) turns.offered[at] |= turns.undecided[at];
        }
    }

    /** The range goes back to an attachment, where it had it. */
    private void giveBack(int a, Begin s) {
        Turns turns = state.turns[a];
        int[] places = state.places[s.buffer()];
        boolean wrote = s.direction().deviceReads();
        for (int i = s.from(); i < s.from() + s.length(); i++) {
            int at = places[i];
            if (!turns.open[at]) continue;
            turns.opened[at] = state.now;
            if (!wrote) continue;
            turns.openedToRead[at] = state.now;
            if (state.port(a).bounced()) {
                turns.good[at] = !state.isUnclosedByDevice(at) && !state.undefined[at];
            } else if (state.isCached(a)) {
                int line = at / LINE;
                for (int other = line * LINE; other < (line + 1) * LINE; other++) state.dirty[other] = false;
            }
        }
    }

    // ---- untold

    /** Whether only the CPU owns the lines of a range. */
    private boolean isCpus(int buffer, int from, int length) {
        int count = state.lines(buffer, from, length);
        for (int i = 0; i < count; i++) {
            int line = state.line(i);
            if (state.busy[line] > 0) return false;
            for (int at = line * LINE; at < (line + 1) * LINE; at++) {
                for (int a = 0; a < state.turns.length; a++)
                    if (state.covers(a, at) && state.turns[a].mayHave(at)) return false;
            }
        }
        return true;
    }

    boolean allowsLoad(Step.Load s) {
        return state.kind(s.buffer()) != Kind.DEVICE && state.isInside(s.buffer(), s.from(), s.length())
                && isReadByCpu(s.buffer(), s.from(), s.length()) && isRight(s.buffer(), s.from(), s.length());
    }

    /** Whether no device has a byte of a range; other bytes of its lines one may have. */
    private boolean isReadByCpu(int buffer, int from, int length) {
        int[] places = state.places[buffer];
        for (int i = from; i < from + length; i++) {
            int at = places[i];
            if (state.busy[at / LINE] > 0) return false;
            for (int a = 0; a < state.turns.length; a++)
                if (state.covers(a, at) && state.turns[a].mayHave(at)) return false;
        }
        return true;
    }

    boolean allowsStore(Step.Store s) {
        if (!state.isInside(s.buffer(), s.from(), s.length()) || !isCpus(s.buffer(), s.from(), s.length())
                || !isStorable(s.buffer(), s.from(), s.length()))
            return false;
        int[] places = state.places[s.buffer()];
        for (int i = s.from(); i < s.from() + s.length(); i++) if (!isGuests(places[i])) return false;
        return true;
    }

    /** Whether all buffers that have a byte say that the CPU may write it untold. */
    boolean isGuests(int at) {
        for (int b = 0; b < state.places.length; b++)
            if (((state.owners[at] >> b) & 1) != 0 && state.kind(b) != Kind.GUEST) return false;
        return true;
    }

    void store(Step.Store s) {
        int[] places = state.places[s.buffer()];
        for (int i = s.from(); i < s.from() + s.length(); i++) {
            state.write(places[i], CPU, true);
            state.closed[places[i]] = state.now;
        }
    }

    // ---- moving

    boolean refusesMove(int buffer) {
        if (state.kind(buffer) != Kind.MOVABLE) return true;
        for (Begin begun : state.accesses.values()) if (begun.buffer() == buffer) return true;
        for (int a = 0; a < state.turns.length; a++)
            if (state.port(a).buffer() == buffer && state.turns[a].live && !state.port(a).dynamic()) return true;
        return false;
    }

    boolean allowsMove(int buffer) {
        if (refusesMove(buffer)) return false;
        boolean attached = false;
        for (int a = 0; a < state.turns.length; a++) {
            if (state.port(a).buffer() != buffer) continue;
            attached |= state.turns[a].attached;
            if (state.turns[a].live && !mappings.allowsUnmap(a)) return false;
        }
        if (!attached) return false;
        int[] here = state.places[buffer];
        int[] there = state.layout.places(buffer, !state.moved[buffer]);
        for (int i = 0; i < here.length; i++) {
            if (state.rewrite[here[i]] || state.busy[here[i] / LINE] > 0 || isOthers(here[i], buffer)
                    || isOthers(there[i], buffer) || state.isClobbered(there[i], CPU))
                return false;
        }
        return true;
    }

    /** Whether a device owns a byte through another buffer, or a write to it is not closed. */
    private boolean isOthers(int at, int buffer) {
        if (state.busy[at / LINE] > 0) return true;
        for (int other = at / LINE * LINE; other < (at / LINE + 1) * LINE; other++) {
            if (state.isUnclosed(other) && (state.writer[other] == CPU
                    || state.port(state.writer[other] - 1).buffer() != buffer))
                return true;
            for (int a = 0; a < state.turns.length; a++)
                if (state.port(a).buffer() != buffer && state.covers(a, other) && state.turns[a].mayHave(other))
                    return true;
        }
        return false;
    }

    void move(int buffer) {
        for (int a = 0; a < state.turns.length; a++)
            if (state.port(a).buffer() == buffer && state.turns[a].live) mappings.unmap(a);
        int[] here = state.places[buffer];
        state.move(buffer);
        int[] there = state.places[buffer];
        for (int i = 0; i < here.length; i++) {
            boolean garbage = state.undefined[here[i]];
            state.write(there[i], CPU, true);
            state.closed[there[i]] = state.now;
            state.undefined[there[i]] = garbage;
        }
    }
}
