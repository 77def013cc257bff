package sluice.dmacore.laws;

import java.util.List;
import java.util.SplittableRandom;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.laws.Setting.Kind;
import sluice.dmacore.laws.State.Turns;
import sluice.dmacore.laws.Step.Begin;
import sluice.dmacore.laws.Step.Mode;
import sluice.dmacore.ownership.Direction;

/**
 * Draws programs that keep the {@link Rules}: a participant reads or writes a range, after the required calls; in
 * between there are redundant but legal calls, and calls that are refused.
 */
final class CorrectPrograms {
    private static final Direction[] DIRECTIONS = Direction.values();

    private final SplittableRandom chance;
    private final Draft draft;
    private final State state;
    private int accesses;

    private CorrectPrograms(long seed) {
        chance = new SplittableRandom(seed);
        draft = new Draft(new Layout(new SettingDraw(chance).draw()), chance);
        state = draft.state;
    }

    /** The program of a seed; null if it has got where only a wrong call leads on. */
    static @Nullable Program draw(long seed) {
        CorrectPrograms drawn = new CorrectPrograms(seed);
        if (!drawn.isFinished()) return null;
        return new Program(seed, drawn.draft.layout, List.copyOf(drawn.draft.steps()));
    }

    private boolean isFinished() {
        int most = 6 + chance.nextInt(40);
        for (int a = 0; a < state.turns.length; a++) if (!one(4)) emit(new Step.Attach(a));
        for (int tries = 0; draft.steps().size() < most && tries < 4 * most; tries++) {
            switch (chance.nextInt(10)) {
                case 0, 1, 2, 3 -> device(chance.nextInt(state.turns.length));
                case 4, 5 -> told(chance.nextInt(state.places.length));
                case 6, 7 -> untold(chance.nextInt(state.places.length));
                default -> byTheWay();
            }
        }
        return draft.atRest();
    }

    private boolean one(int in) {
        return chance.nextInt(in) == 0;
    }

    private boolean emit(Step step) {
        return draft.emit(step);
    }

    private <T> T any(T[] of) {
        return of[chance.nextInt(of.length)];
    }

    private Range range(int buffer) {
        return Range.draw(chance, state.places[buffer].length);
    }

    private boolean[] lines(int buffer, Range range) {
        return range.lines(state.places[buffer], draft.layout.lines());
    }

    // ---- a device works

    private void device(int a) {
        Turns turns = state.turns[a];
        if (!turns.attached && !emit(new Step.Attach(a))) return;
        int buffer = state.port(a).buffer();
        Range range = range(buffer);
        boolean[] lines = lines(buffer, range);
        if (!turns.live && (!map(a, lines) || one(3))) return;
        boolean write = turns.direction.deviceWrites() && (!turns.direction.deviceReads() || one(2));
        if (!draft.rules.allows(access(a, range, write))) give(a, lines, write);
        if (!emit(access(a, range, write))) return;
        // In place, and more of the same turn.
        for (int more = chance.nextInt(3); more > 0; more--) emit(access(a, one(2) ? range : range(buffer), one(2)));
    }

    private static Step access(int a, Range range, boolean write) {
        return write
                ? new Step.DeviceWrite(a, range.from(), range.length())
                : new Step.DeviceRead(a, range.from(), range.length());
    }

    private boolean map(int a, boolean[] lines) {
        int buffer = state.port(a).buffer();
        Direction direction = one(2) ? Direction.BIDIRECTIONAL : any(DIRECTIONS);
        draft.closeOthers(one(2) ? lines(buffer, new Range(0, state.places[buffer].length)) : lines, a);
        Mode mode = one(5) ? Mode.SKIP : one(8) ? Mode.KEEPS : Mode.PLAIN;
        return emit(new Step.Map(a, direction, mode)) || emit(new Step.Map(a, direction, Mode.PLAIN));
    }

    private void give(int a, boolean[] lines, boolean write) {
        draft.closeOthers(lines, a);
        Direction part = state.turns[a].direction;
        if (part == Direction.BIDIRECTIONAL && one(2))
            part = write && one(2) ? Direction.FROM_DEVICE : Direction.TO_DEVICE;
        Range whole = Range.covering(state.placesOf(a), lines);
        if (whole == null) return;
        if (!draft.forDevice(a, whole.widened(chance, state.placesOf(a).length), part)) draft.forDevice(a, whole, part);
    }

    // ---- the CPU works

    private void told(int buffer) {
        if (state.kind(buffer) == Kind.DEVICE) return;
        if (!state.accesses.isEmpty() && one(2)) {
            Begin open = any(state.accesses.values().toArray(Begin[]::new));
            if (one(3)) {
                draft.end(open);
            } else {
                work(open);
            }
            return;
        }
        Range range = range(buffer);
        boolean[] lines = lines(buffer, range);
        Range whole = Range.covering(state.places[buffer], lines);
        if (whole != null && !one(3)) range = whole;
        draft.takeBackOpen(lines, buffer);
        Begin begin = new Begin(accesses++, buffer, range.from(), range.length(), any(DIRECTIONS));
        if (!emit(begin)) {
            draft.clean(lines);
            if (!emit(begin)) return;
        }
        if (begin.direction() == Direction.TO_DEVICE && one(2))
            emit(new Step.Write(begin.access(), buffer, range.from(), range.length()));
        work(begin);
        if (one(2)) draft.end(begin);
    }

    private void work(Begin open) {
        for (int more = 1 + chance.nextInt(3); more > 0; more--) {
            int from = open.from() + (one(2) ? 0 : chance.nextInt(open.length()));
            int most = open.from() + open.length() - from;
            int length = one(2) ? most : 1 + chance.nextInt(most);
            boolean write = open.direction() == Direction.TO_DEVICE
                    || (open.direction() == Direction.BIDIRECTIONAL && one(2));
            emit(write
                    ? new Step.Write(open.access(), open.buffer(), from, length)
                    : new Step.Read(open.access(), open.buffer(), from, length));
        }
    }

    private void untold(int buffer) {
        if (state.kind(buffer) == Kind.DEVICE) return;
        Range range = range(buffer);
        boolean[] lines = lines(buffer, range);
        draft.closeOthers(lines, -1);
        draft.takeBackOpen(lines, -1);
        // Lines that were taken without looking are stored as a whole.
        draft.rewriteAll();
        for (int more = 1 + chance.nextInt(2); more > 0; more--) {
            if (one(2)) emit(new Step.Store(buffer, range.from(), range.length()));
            if (one(2)) emit(new Step.Load(buffer, range.from(), range.length()));
        }
    }

    // ---- and what is right although nobody needs it

    private void byTheWay() {
        int a = chance.nextInt(state.turns.length);
        int buffer = state.port(a).buffer();
        Range range = range(buffer);
        Direction part = one(3) ? any(DIRECTIONS) : state.turns[a].direction;
        Step.ForDevice give = new Step.ForDevice(a, range.from(), range.length(), part);
        Step.ForCpu take = new Step.ForCpu(a, range.from(), range.length(), part);
        switch (chance.nextInt(12)) {
            case 0, 1 -> emit(give);
            case 2, 3 -> emit(take);
            case 4 -> emit(new Step.Unmap(a));
            case 5 -> emit(new Step.Map(a, any(DIRECTIONS), any(Mode.values())));
            case 6 -> emit(state.turns[a].attached ? new Step.Detach(a) : new Step.Attach(a));
            case 7, 8 -> move(buffer);
            case 9, 10 -> refused(a, one(2) ? give : take, range);
            default -> {
                emit(new Step.Load(buffer, range.from(), range.length()));
                emit(new Step.Store(buffer, range.from(), range.length()));
            }
        }
    }

    private void move(int buffer) {
        if (emit(new Step.Move(buffer)) || state.kind(buffer) != Kind.MOVABLE) return;
        for (int a = 0; a < state.turns.length; a++)
            if (!state.port(a).dynamic() && state.port(a).buffer() == buffer) emit(new Step.Unmap(a));
        emit(new Step.Move(buffer));
    }

    private void refused(int a, Step sync, Range range) {
        int buffer = state.port(a).buffer();
        draft.emitRefused(switch (chance.nextInt(9)) {
            case 0 -> Variants.ranged(sync, range.from() + state.places[buffer].length, range.length());
            case 1 -> new Step.Map(a, any(DIRECTIONS), Mode.PLAIN);
            case 2 -> new Step.Unmap(a);
            case 3 -> new Step.Move(buffer);
            case 4 -> new Step.End(chance.nextInt(accesses + 1));
            case 5 -> new Begin(accesses + 1000, buffer, range.from() + (one(2) ? 0 : 1 << 12), range.length(),
                    any(DIRECTIONS));
            case 6 ->
                access(a, new Range(range.from() + (one(2) ? 0 : state.places[buffer].length), range.length()), one(2));
            default -> sync;
        });
    }
}
