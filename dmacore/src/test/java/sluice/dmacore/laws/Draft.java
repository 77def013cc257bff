package sluice.dmacore.laws;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

import sluice.dmacore.laws.Step.Begin;
import sluice.dmacore.ownership.Direction;

/** A program that keeps the {@link Rules} so far, and the calls that end what others have begun. */
final class Draft {
    final Layout layout;
    final Rules rules;
    final State state;
    final SplittableRandom chance;
    private final List<Step> steps = new ArrayList<>();

    Draft(Layout layout, SplittableRandom chance) {
        this.layout = layout;
        this.chance = chance;
        rules = new Rules(layout);
        state = rules.state();
    }

    List<Step> steps() {
        return steps;
    }

    /** Adds a step if it is right here. */
    boolean emit(Step step) {
        if (!rules.allows(step)) return false;
        rules.take(step);
        steps.add(step);
        return true;
    }

    /** Adds a call that is refused here, and changes nothing. */
    boolean emitRefused(Step step) {
        if (!rules.refuses(step)) return false;
        steps.add(step);
        return true;
    }

    boolean one(int in) {
        return chance.nextInt(in) == 0;
    }

    // ---- ending what others have begun

    /** Ends what others have begun to write in some lines. */
    void closeOthers(boolean[] lines, int except) {
        for (Begin open : List.copyOf(state.accesses.values())) {
            if (new Range(open.from(), open.length()).touches(state.places[open.buffer()], lines)) end(open);
        }
        for (int a = 0; a < state.turns.length; a++)
            if (a != except && state.turns[a].live && hasUnclosed(a, lines)) takeBack(a, lines, true);
    }

    /** Takes lines from the devices that were given them, but for those of one buffer. */
    void takeBackOpen(boolean[] lines, int exceptBuffer) {
        for (int a = 0; a < state.turns.length; a++) {
            if (state.turns[a].live && state.port(a).buffer() != exceptBuffer && isOpen(a, lines))
                takeBack(a, lines, hasUnclosed(a, lines));
        }
    }

    boolean hasUnclosed(int a, boolean[] lines) {
        for (int at = 0; at < layout.bytes(); at++)
            if (lines[at / State.LINE] && state.isUnclosedBy(at, a + 1)) return true;
        return false;
    }

    private boolean isOpen(int a, boolean[] lines) {
        for (int at = 0; at < layout.bytes(); at++)
            if (lines[at / State.LINE] && state.turns[a].mayHave(at)) return true;
        return false;
    }

    private void takeBack(int a, boolean[] lines, boolean wrote) {
        Range needed = Range.covering(state.placesOf(a), lines);
        if (needed == null || (one(6) && emit(new Step.Unmap(a)))) return;
        Direction part = state.turns[a].direction;
        if (part == Direction.BIDIRECTIONAL && one(2))
            part = (wrote && !one(6)) || one(2) ? Direction.FROM_DEVICE : Direction.TO_DEVICE;
        if (one(12)) {
            int half = Math.max(1, needed.length() / 2);
            if (forCpu(a, new Range(needed.from(), half), part) && needed.length() > half)
                forCpu(a, new Range(needed.from() + half, needed.length() - half), part);
            return;
        }
        if (!forCpu(a, needed.widened(chance, state.placesOf(a).length), part)) forCpu(a, needed, part);
    }

    private boolean forCpu(int a, Range range, Direction part) {
        return emit(new Step.ForCpu(a, range.from(), range.length(), part));
    }

    boolean forDevice(int a, Range range, Direction part) {
        return emit(new Step.ForDevice(a, range.from(), range.length(), part));
    }

    void end(Begin open) {
        if (emit(new Step.End(open.access()))) return;
        emit(new Step.Write(open.access(), open.buffer(), open.from(), open.length()));
        emit(new Step.End(open.access()));
    }

    /** Writes back what is dirty, so that a call that reads may come. */
    void clean(boolean[] lines) {
        for (int a = 0; a < state.turns.length; a++) {
            if (!state.turns[a].live || !state.isCached(a) || !state.turns[a].direction.deviceReads()) continue;
            Range range = Range.covering(state.placesOf(a), lines);
            if (range != null) forDevice(a, range, state.turns[a].direction);
        }
    }

    /** Stores what was taken without looking, through whatever buffer has it. */
    void rewriteAll() {
        for (int b = 0; b < state.places.length; b++) {
            int[] places = state.places[b];
            for (int i = 0; i < places.length; i++) {
                if (!state.rewrite[places[i]]) continue;
                int end = i;
                while (end < places.length && state.rewrite[places[end]])
                    end++;
                emit(new Step.Store(b, i, end - i));
                i = end;
            }
        }
    }

    // ---- the end of all

    /** Ends everything, and looks at all bytes; false if it has got where only a wrong call leads on. */
    boolean atRest() {
        for (Begin open : List.copyOf(state.accesses.values())) end(open);
        rewriteAll();
        boolean[] all = new boolean[layout.lines()];
        Arrays.fill(all, true);
        for (int a = 0; a < state.turns.length; a++)
            if (state.turns[a].live && hasUnclosed(a, all)) emit(new Step.Unmap(a));
        for (int round = 0; round < 2; round++)
            for (int a = 0; a < state.turns.length; a++) if (state.turns[a].live) unmap(a);
        if (!rules.isAtRest()) return false;
        for (int b = 0; b < state.places.length; b++) look(b);
        for (int a = 0; a < state.turns.length; a++) if (one(2)) emit(new Step.Detach(a));
        return true;
    }

    private void unmap(int a) {
        if (emit(new Step.Unmap(a))) return;
        // Takes back just what the device wrote, and gives it the rest, so that nothing is left to lose.
        int[] places = state.placesOf(a);
        for (int i = 0; i < places.length; i++) {
            if (!state.isUnclosedBy(places[i], a + 1)) continue;
            int end = i;
            while (end < places.length && state.isUnclosedBy(places[end], a + 1))
                end++;
            forCpu(a, new Range(i, end - i), state.turns[a].direction);
            i = end;
        }
        forDevice(a, new Range(0, places.length), state.turns[a].direction);
        emit(new Step.Unmap(a));
    }

    private void look(int buffer) {
        int[] places = state.places[buffer];
        for (int i = 0; i < places.length; i++) {
            if (state.undefined[places[i]]) continue;
            int end = i;
            while (end < places.length && !state.undefined[places[end]])
                end++;
            emit(new Step.Load(buffer, i, end - i));
            i = end;
        }
    }
}
