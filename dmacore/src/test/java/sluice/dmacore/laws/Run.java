package sluice.dmacore.laws;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.CpuAccess;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.finding.Subject;
import sluice.dmacore.laws.Outcome.Reader;
import sluice.dmacore.laws.Outcome.Refusal;
import sluice.dmacore.laws.Outcome.Told;
import sluice.dmacore.laws.Outcome.WrongRead;
import sluice.dmacore.laws.Setting.Kind;
import sluice.dmacore.laws.Setting.Port;

/** A program on a {@link Machine} and on the {@link IdealMemory} at the same time. */
final class Run {
    private static final int LONGEST = 4096;

    private final Program program;
    private final Layout layout;
    private final Setting setting;
    private final Machine machine;
    private final IdealMemory ideal;
    private final boolean[] moved;
    private final Map<Integer, CpuAccess> accesses = new HashMap<>();
    private final Map<Integer, Integer> begun = new HashMap<>();
    private final List<WrongRead> wrong = new ArrayList<>();
    private final WrongParts parts;
    private final List<Told> told = new ArrayList<>();
    private final List<Refusal> refusals = new ArrayList<>();
    private final byte[] bytes = new byte[LONGEST];
    private final MemorySegment segment = MemorySegment.ofArray(bytes);
    private int step;

    private Run(Program program, Bench bench) {
        this.program = program;
        layout = program.layout();
        setting = layout.setting();
        machine = new Machine(layout, bench);
        ideal = new IdealMemory(layout);
        parts = new WrongParts(layout);
        moved = new boolean[setting.buffers().size()];
        machine.findings().follow(this::found);
    }

    /** Runs a program, ends what it has left, and looks at all memory. */
    static Outcome of(Program program, Bench bench) {
        Throwable thrown = null;
        Run run = new Run(program, bench);
        try {
            // They are told by their step: a walk up the stack for each would take longer than the step.
            Findings.at("a program", run::all);
        } catch (DmaBufException | RuntimeException | Error e) {
            thrown = e;
        } finally {
            run.machine.close();
        }
        return new Outcome(run.wrong, run.told, run.refusals, thrown);
    }

    private void all() throws DmaBufException {
        machine.fill(ideal);
        machine.export();
        for (step = 0; step < program.steps().size(); step++) {
            Step next = program.steps().get(step);
            try {
                take(next);
            } catch (DmaBufException e) {
                refusals.add(new Refusal(step, next + ": " + e.getMessage()));
            }
        }
        machine.end();
        parts.addTo(wrong);
        for (int b = 0; b < moved.length; b++) {
            if (setting.buffers().get(b).kind() != Kind.DEVICE) load(Reader.AT_THE_END, b, 0, places(b).length);
        }
    }

    private int[] places(int buffer) {
        return layout.places(buffer, moved[buffer]);
    }

    private void take(Step next) throws DmaBufException {
        switch (next) {
            case Step.Attach s -> machine.attach(s.attachment());
            case Step.Detach s -> {
                Attachment attachment = machine.attachment(s.attachment());
                if (attachment != null) attachment.detach();
            }
            case Step.Map s -> machine.map(s);
            case Step.Unmap s -> {
                DeviceMapping mapping = machine.mappings[s.attachment()];
                if (mapping == null) return;
                mapping.unmap();
                int[] places = places(setting.attachments().get(s.attachment()).buffer());
                parts.taken(s.attachment(), places, 0, places.length, true);
            }
            case Step.ForDevice s -> {
                DeviceMapping mapping = machine.mappings[s.attachment()];
                if (mapping == null) return;
                mapping.syncForDevice(s.from(), s.length(), s.part());
                parts.given(s.attachment(), places(setting.attachments().get(s.attachment()).buffer()), s.from(),
                        s.length());
            }
            case Step.ForCpu s -> {
                DeviceMapping mapping = machine.mappings[s.attachment()];
                if (mapping == null) return;
                mapping.syncForCpu(s.from(), s.length(), s.part());
                parts.taken(s.attachment(), places(setting.attachments().get(s.attachment()).buffer()), s.from(),
                        s.length(), s.part().deviceWrites());
            }
            case Step.DeviceRead s -> deviceReads(s);
            case Step.DeviceWrite s -> deviceWrites(s);
            case Step.Begin s -> {
                accesses.put(s.access(), machine.opener(s.buffer(), s.access()).begin(s.from(), s.length(),
                        s.direction()));
                begun.put(s.access(), s.buffer());
                if (s.direction().deviceWrites()) parts.taken(-1, places(s.buffer()), s.from(), s.length(), true);
            }
            case Step.Read s -> {
                CpuAccess access = accessTo(s.access(), s.buffer());
                if (access == null) return;
                access.read(s.from(), bytes, 0, s.length());
                look(Reader.TOLD_CPU, -1, places(s.buffer()), s.from(), s.length());
            }
            case Step.Write s -> told(s);
            case Step.End s -> {
                CpuAccess access = accesses.get(s.access());
                if (access != null) access.end();
            }
            case Step.Load s -> load(Reader.UNTOLD_CPU, s.buffer(), s.from(), s.length());
            case Step.Store s -> {
                int[] places = places(s.buffer());
                for (int i = s.from(); i < s.from() + s.length(); i++)
                    machine.store(places[i], ideal.next(places[i]));
                stored(-1, places, s.from(), s.length());
            }
            case Step.Move s -> {
                int[] before = places(s.buffer());
                machine.move(s.buffer());
                moved[s.buffer()] = !moved[s.buffer()];
                ideal.copy(before, places(s.buffer()));
                follow(before, places(s.buffer()));
            }
        }
    }

    private void deviceReads(Step.DeviceRead s) {
        DeviceMapping mapping = machine.mappings[s.attachment()];
        if (mapping == null) return;
        var found = machine.read(s.attachment(), mapping, s.from(), segment, s.length());
        if (found != sluice.iommu.space.Outcome.RESOLVED) {
            refusals.add(new Refusal(step, s + ": " + found));
            return;
        }
        Port port = setting.attachments().get(s.attachment());
        Reader reader = port.bounced() ? Reader.BOUNCED_DEVICE : port.snoops() ? Reader.SNOOPING_DEVICE : Reader.DEVICE;
        look(reader, s.attachment(), places(port.buffer()), s.from(), s.length());
    }

    private void deviceWrites(Step.DeviceWrite s) {
        DeviceMapping mapping = machine.mappings[s.attachment()];
        if (mapping == null) return;
        int[] places = places(setting.attachments().get(s.attachment()).buffer());
        if (s.from() + s.length() <= places.length) ideal.fill(places, s.from(), s.length(), bytes);
        var found = machine.write(s.attachment(), mapping, s.from(), segment, s.length());
        if (found == sluice.iommu.space.Outcome.RESOLVED) {
            stored(s.attachment(), places, s.from(), s.length());
        } else {
            refusals.add(new Refusal(step, s + ": " + found));
        }
    }

    /** An access by which a program that has left something out still reaches what it means to. */
    private @Nullable CpuAccess accessTo(int access, int buffer) {
        Integer begunFor = begun.get(access);
        return begunFor != null && begunFor == buffer ? accesses.get(access) : null;
    }

    private void told(Step.Write s) {
        CpuAccess access = accessTo(s.access(), s.buffer());
        if (access == null) return;
        int[] places = places(s.buffer());
        ideal.fill(places, s.from(), s.length(), bytes);
        access.write(s.from(), bytes, 0, s.length());
        // One that is told outside of its access may be done all the same, or not.
        if (machine.load(places[s.from()]) == ideal.next(places[s.from()]))
            stored(-1, places, s.from(), s.length());
    }

    private void stored(int who, int[] places, int from, int length) {
        ideal.store(places, from, length, step);
        parts.written(who, places, from, length);
    }

    private void load(Reader reader, int buffer, int from, int length) {
        int[] places = places(buffer);
        for (int i = 0; i < length; i++) bytes[i] = machine.load(places[from + i]);
        look(reader, -1, places, from, length);
    }

    /** Compares what a reader has found with what is due; one wrong byte of a line is enough. */
    private void look(Reader reader, int who, int[] places, int from, int length) {
        int last = -1;
        for (int i = 0; i < length; i++) {
            int at = places[from + i];
            if (bytes[i] == ideal.get(at) || at / Setting.LINE == last) continue;
            last = at / Setting.LINE;
            WrongRead read = new WrongRead(reader, step, who, at, bytes[i], ideal.get(at), ideal.stored(at));
            wrong.add(read);
            if (reader == Reader.UNTOLD_CPU) parts.loaded(read);
        }
    }

    /** What was told of bytes that are moved then is told of them where they are now. */
    private void follow(int[] before, int[] after) {
        for (Told known : told) {
            for (int i = 0; i < before.length; i++)
                if (known.isAbout(before[i] / Setting.LINE)) known.lines().set(after[i] / Setting.LINE);
        }
    }

    private void found(Rule rule, Subject subject, long from, long length) {
        BitSet lines = new BitSet();
        @Nullable
        String name = subject.buffer();
        if (name != null && name.startsWith("b")) {
            int buffer = Integer.parseInt(name.substring(1));
            // What is told of bytes that were moved is told of them where they are now, and the other way round.
            mark(layout.places(buffer, false), from, length, lines);
            mark(layout.places(buffer, true), from, length, lines);
        }
        told.add(new Told(rule, step, subject.device(), subject.buffer(), from, length, lines));
    }

    private static void mark(int[] places, long from, long length, BitSet lines) {
        long end = Math.min(places.length, from + length);
        for (long i = Math.max(0, from); i < end; i++) lines.set(places[(int) i] / Setting.LINE);
    }
}
