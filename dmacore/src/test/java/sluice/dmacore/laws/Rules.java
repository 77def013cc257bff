package sluice.dmacore.laws;

import java.util.BitSet;

import sluice.dmacore.laws.Setting.Kind;
import sluice.dmacore.laws.State.Turns;
import sluice.dmacore.ownership.Direction;

/**
 * The rules for programs: before a participant reads or writes bytes written by another, the writer's side was closed
 * by its call and the reader's side was opened by its call, and no call on the way drops what was written.
 *
 * <p>A line has one writer at a time: whoever writes has all bytes of the line, as far as they are his to have. Only of what a
 * device has given back in part the CPU may read its part, while the device writes the rest. Stricter than some machines, so that
 * it is right on all: neither the flavour nor the eviction is looked at.
 */
final class Rules {
    private final State state;
    private final MappingRules mappings;
    private final CpuRules cpu;

    Rules(Layout layout) {
        state = new State(layout);
        mappings = new MappingRules(state);
        cpu = new CpuRules(state, mappings);
    }

    State state() {
        return state;
    }

    /** Whether all steps of a program keep the rules, one after the other. */
    static boolean keeps(Program program) {
        Rules rules = new Rules(program.layout());
        for (Step step : program.steps()) {
            if (rules.refuses(step)) continue;
            if (!rules.allows(step)) return false;
            rules.take(step);
        }
        return rules.isAtRest();
    }

    /** The steps of a program that keeps the rules which are refused. */
    static BitSet refused(Program program) {
        Rules rules = new Rules(program.layout());
        BitSet refused = new BitSet();
        for (int i = 0; i < program.steps().size(); i++) {
            Step step = program.steps().get(i);
            if (rules.refuses(step)) {
                refused.set(i);
            } else {
                rules.take(step);
            }
        }
        return refused;
    }

    /** Whether a step is a mistake that is refused, so that everything stays as it was. */
    boolean refuses(Step step) {
        return switch (step) {
            case Step.ForDevice s -> isRefused(s.attachment(), s.from(), s.length(), s.part());
            case Step.ForCpu s -> isRefused(s.attachment(), s.from(), s.length(), s.part());
            case Step.DeviceRead s -> isRefused(s.attachment(), s.from(), s.length(), tableSees(s.attachment(),
                    Direction.TO_DEVICE));
            case Step.DeviceWrite s -> isRefused(s.attachment(), s.from(), s.length(), tableSees(s.attachment(),
                    Direction.FROM_DEVICE));
            case Step.Map s -> state.turns[s.attachment()].live || isGone(s.attachment());
            case Step.Unmap s -> state.turns[s.attachment()].wasMapped && !state.turns[s.attachment()].live;
            case Step.Begin s ->
                state.kind(s.buffer()) == Kind.DEVICE || !state.isInside(s.buffer(), s.from(), s.length());
            case Step.End s -> state.ended.contains(s.access()) && !state.accesses.containsKey(s.access());
            case Step.Move s -> cpu.refusesMove(s.buffer());
            case Step.Attach _,Step.Detach _,Step.Read _,Step.Write _,Step.Load _,Step.Store _ -> false;
        };
    }

    private boolean isRefused(int attachment, int from, int length, Direction part) {
        Turns turns = state.turns[attachment];
        return turns.wasMapped && (!turns.live || !state.isInside(state.port(attachment).buffer(), from, length)
                || !turns.direction.covers(part));
    }

    /** A device without an IOMMU that violates its direction is reported, but not prevented. */
    private Direction tableSees(int attachment, Direction access) {
        return state.port(attachment).bounced() ? state.turns[attachment].direction : access;
    }

    private boolean isGone(int attachment) {
        return state.turns[attachment].wasAttached && !state.turns[attachment].attached;
    }

    /** Whether a step is right here. Nothing is changed. */
    boolean allows(Step step) {
        return switch (step) {
            case Step.Attach s -> !state.turns[s.attachment()].attached;
            case Step.Detach s -> state.turns[s.attachment()].attached && !state.turns[s.attachment()].live;
            case Step.Map s -> mappings.allowsMap(s);
            case Step.Unmap s -> mappings.allowsUnmap(s.attachment());
            case Step.ForDevice s -> isMappedRange(s.attachment(), s.from(), s.length())
                    && state.turns[s.attachment()].direction.covers(s.part())
                    && mappings.allowsOpen(s.attachment(), s.from(), s.length(), s.part());
            case Step.ForCpu s -> isMappedRange(s.attachment(), s.from(), s.length())
                    && state.turns[s.attachment()].direction.covers(s.part())
                    && mappings.allowsClose(s.attachment(), s.from(), s.length(), s.part());
            case Step.DeviceRead s -> isMappedRange(s.attachment(), s.from(), s.length())
                    && state.turns[s.attachment()].direction.deviceReads()
                    && mappings.isDevices(s.attachment(), s.from(), s.length())
                    && mappings.isRightFor(s.attachment(), s.from(), s.length());
            case Step.DeviceWrite s -> isMappedRange(s.attachment(), s.from(), s.length())
                    && state.turns[s.attachment()].direction.deviceWrites()
                    && mappings.isDevices(s.attachment(), s.from(), s.length())
                    && mappings.isKept(s.attachment(), s.from(), s.length());
            case Step.Begin s -> cpu.allowsBegin(s);
            case Step.Read s -> cpu.allowsRead(s);
            case Step.Write s -> cpu.allowsWrite(s);
            case Step.End s -> cpu.allowsEnd(s.access());
            case Step.Load s -> cpu.allowsLoad(s);
            case Step.Store s -> cpu.allowsStore(s);
            case Step.Move s -> cpu.allowsMove(s.buffer());
        };
    }

    private boolean isMappedRange(int attachment, int from, int length) {
        return state.turns[attachment].live && state.isInside(state.port(attachment).buffer(), from, length);
    }

    /** Does a step that is right. */
    void take(Step step) {
        state.now++;
        switch (step) {
            case Step.Attach s -> {
                state.turns[s.attachment()].attached = true;
                state.turns[s.attachment()].wasAttached = true;
            }
            case Step.Detach s -> state.turns[s.attachment()].attached = false;
            case Step.Map s -> mappings.map(s);
            case Step.Unmap s -> mappings.unmap(s.attachment());
            case Step.ForDevice s -> mappings.open(s.attachment(), s.from(), s.length(), s.part());
            case Step.ForCpu s -> mappings.close(s.attachment(), s.from(), s.length(), s.part());
            case Step.DeviceRead _,Step.Read _,Step.Load _ -> {
            }
            case Step.DeviceWrite s -> {
                boolean cached = state.port(s.attachment()).snoops() && !state.port(s.attachment()).bounced()
                        && state.kind(state.port(s.attachment()).buffer()) != Kind.DEVICE;
                int[] at = state.placesOf(s.attachment());
                for (int i = s.from(); i < s.from() + s.length(); i++)
                    state.write(at[i], s.attachment() + 1, cached);
            }
            case Step.Begin s -> cpu.begin(s);
            case Step.Write s -> cpu.write(s);
            case Step.End s -> cpu.end(s.access());
            case Step.Store s -> cpu.store(s);
            case Step.Move s -> cpu.move(s.buffer());
        }
    }

    /** Whether nothing is mapped and no access is open: then all bytes are the CPU's. */
    boolean isAtRest() {
        for (Turns turns : state.turns) if (turns.live) return false;
        return state.accesses.isEmpty();
    }
}
