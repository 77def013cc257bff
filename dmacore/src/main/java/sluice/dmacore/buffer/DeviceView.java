package sluice.dmacore.buffer;

import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.finding.Subject;
import sluice.dmacore.memory.Rows;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.space.DeviceReader;
import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;
import sluice.iommu.Access;
import sluice.iommu.epoch.ReadSection;
import sluice.iommu.fault.FaultContext;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.Outcome;

/**
 * Access of one device thread to its buffers, through the function's own table; an access to bytes that the device does
 * not own is a finding. Resolved runs are used in a read section, in which the device must not block:
 *
 * <pre>
 * try (var _ = view.enter()) {
 *     if (view.find(mapping, 0, 4096, Access.READ, runs) == Outcome.RESOLVED) ... use the runs
 * }
 * </pre>
 */
public final class DeviceView implements AutoCloseable {
    private final DeviceFunction function;
    private final DeviceReader reader;
    private final Runs found = new Runs();
    /** Null for a view without access by address. */
    private final @Nullable MachineAddresses machine;
    /** The mapping of the last address: most addresses belong to the same buffer as the previous one. */
    private @Nullable DeviceMapping last;
    private final Runs piece = new Runs();
    /** A range of one row. */
    private final Rows range = new Rows();

    private DeviceView(DeviceFunction function, @Nullable MachineAddresses machine) {
        this.function = function;
        this.machine = machine;
        reader = function.space().openReader();
    }

    /** A view for the calling thread only, which accesses buffers but not addresses. */
    public static DeviceView open(DeviceFunction function) {
        return new DeviceView(function, null);
    }

    /** The same, which can also access device addresses, as programmed by a driver. */
    public static DeviceView open(DmaCore core, DeviceFunction function) {
        return new DeviceView(function, core.addresses());
    }

    /** Begins a read section; it ends when the result is closed. */
    public ReadSection enter() {
        return reader.enter();
    }

    /** Sets the context for fault records. */
    public void context(FaultContext doing) {
        reader.context(doing);
    }

    /** The record of the last fault, or null. */
    public @Nullable FaultRecord fault() {
        return reader.fault();
    }

    /**
     * Resolves a part of a buffer to {@code runs}, as this device sees it. Valid until the read section ends.
     *
     * @param from first byte in the buffer
     * @return unless it is {@link Outcome#RESOLVED}, {@code runs} is empty
     */
    public Outcome find(DeviceMapping mapping, long from, long length, Access access, Runs runs) {
        return find(mapping, range.set(from, length), access, runs);
    }

    /**
     * As {@link #find(DeviceMapping, long, long, Access, Runs)}, for a rectangle: the runs cover everything from its
     * first to its last byte; the device may access only the rows.
     */
    public Outcome find(DeviceMapping mapping, Rows rows, Access access, Runs runs) {
        runs.clear();
        checkOwn(mapping);
        if (!isMappedFor(mapping, rows.offset(), rows.span(), access)) return Outcome.FAULT;
        Outcome outcome = resolve(mapping, rows.offset(), rows.span(), access, runs);
        judge(mapping, rows, access, outcome == Outcome.RESOLVED);
        return found(mapping, rows, access, outcome);
    }

    /**
     * Transfers rows to the device and resolves them, for commands that do both: a {@linkplain
     * DeviceMapping#syncForDevice(long, long, Direction) sync} and a {@link #find} in one pass of the gate. A range
     * outside the buffer is a fault and is not transferred.
     *
     * @param part as a sync
     * @throws DmaBufException as for a sync; nothing is transferred then
     */
    public Outcome giveAndFind(DeviceMapping mapping, Rows rows, Direction part, Access access, Runs runs)
            throws DmaBufException {
        runs.clear();
        checkOwn(mapping);
        if (!isMappedFor(mapping, rows.offset(), rows.span(), access)) return Outcome.FAULT;
        Outcome outcome = resolve(mapping, rows.offset(), rows.span(), access, runs);
        mapping.syncForAccess(rows, part, access == Access.WRITE, outcome == Outcome.RESOLVED);
        return found(mapping, rows, access, outcome);
    }

    /**
     * Transfers rows to the device, which reads them without a command of its own, as one that shows a picture, and back: the read is
     * checked and resolves nothing. A range outside the buffer is a finding and is not transferred. Other threads may move or revoke
     * the buffer: that is before or after all of this. Outside of a read section.
     *
     * @param part as a sync
     * @return whether the buffer is mapped; if not, nothing was done, and nothing is a finding
     * @throws DmaBufException as for a sync
     */
    public boolean show(DeviceMapping mapping, Rows rows, Direction part) throws DmaBufException {
        checkOwn(mapping);
        synchronized (mapping.attachment().buffer()) {
            if (!mapping.isLive()) return false;
            if (isMappedFor(mapping, rows.offset(), rows.span(), Access.READ))
                mapping.syncForAccess(rows, part, false, true);
            mapping.syncForCpu(rows, part);
            return true;
        }
    }

    /**
     * Resolves rows as {@link #find} does, for an observer of the device, such as a screenshot: not an access of the device, and
     * not checked.
     */
    public Outcome observe(DeviceMapping mapping, Rows rows, Runs runs) {
        runs.clear();
        checkOwn(mapping);
        if (!mapping.isLive() || rows.span() > mapping.attachment().buffer().size() - rows.offset())
            return Outcome.FAULT;
        return reader.resolve(mapping.mapped(), rows.offset(), rows.span(), Access.READ, runs);
    }

    /**
     * Compares what the device holds of rows with what the CPU has there: a device that goes on using a buffer without a command for
     * each access, as one that shows a picture, has no moment at which the access is judged. Where it holds something else, a finding
     * says so: the CPU has written it and not transferred it. Outside of a read section.
     */
    public void reportStale(DeviceMapping mapping, Rows rows) {
        try (var _ = reader.enter()) {
            if (observe(mapping, rows, found) == Outcome.RESOLVED) StaleRows.report(mapping, rows, found);
        } finally {
            found.clear();
        }
    }

    private void checkOwn(DeviceMapping mapping) {
        Attachment attachment = mapping.attachment();
        if (attachment.function() != function)
            throw new IllegalArgumentException("%s uses a mapping of %s".formatted(function.name(),
                    attachment.function().name()));
    }

    private static Outcome found(DeviceMapping mapping, Rows rows, Access access, Outcome outcome) {
        for (long row = 0; outcome == Outcome.RESOLVED && access == Access.WRITE && row < rows.count(); row++)
            mapping.noteWritten(rows.offset(row), rows.rowBytes());
        return outcome;
    }

    private static boolean isMappedFor(DeviceMapping mapping, long from, long length, Access access) {
        DmaBuf buffer = mapping.attachment().buffer();
        if (from < 0 || length < 0 || from > buffer.size() - length) {
            told(mapping, Rule.DEVICE_OUTSIDE_MAPPING, from, length, "%s outside of its %d bytes".formatted(
                    access == Access.READ ? "read" : "written", buffer.size()));
            return false;
        }
        if (!mapping.isLive()) {
            told(mapping, Rule.DEVICE_AFTER_UNMAP, from, length,
                    access == Access.READ ? "read after its end" : "written after its end");
            return false;
        }
        mapping.noteUsed();
        if (access == Access.WRITE && buffer.state() == DmaBuf.State.MOVING)
            told(mapping, Rule.WROTE_WHILE_MOVING, from, length, "written while the buffer is being moved");
        Direction direction = mapping.direction();
        if (access == Access.WRITE ? !direction.deviceWrites() : !direction.deviceReads())
            told(mapping, Rule.DEVICE_AGAINST_DIRECTION, from, length, "%s by the device, but mapped %s".formatted(
                    access == Access.WRITE ? "written" : "read", direction));
        return true;
    }

    /** @param done whether the table permits the access; if not, no byte is accessed */
    private static void judge(DeviceMapping mapping, Rows rows, Access access, boolean done) {
        mapping.attachment().buffer().core().gate().deviceAccess(mapping.lines(), mapping.holder(), rows,
                access == Access.WRITE, done);
    }

    private Outcome resolve(DeviceMapping mapping, long from, long length, Access access, Runs runs) {
        DmaBuf buffer = mapping.attachment().buffer();
        TraceSink trace = buffer.core().trace();
        long began = trace.isOn() ? System.nanoTime() : 0;
        Outcome outcome = reader.resolve(mapping.mapped(), from, length, access, runs);
        if (outcome == Outcome.RESOLVED && began != 0) {
            long now = System.nanoTime();
            trace.record(EventKind.TRANSLATE, buffer.number(), mapping.attachment().number(), 0, from, length, length,
                    now - began, now);
        }
        return outcome;
    }

    private static void told(DeviceMapping mapping, Rule rule, long from, long length, String what) {
        mapping.attachment().buffer().core().findings().add(rule, mapping.attachment().subject(), from, length, what);
    }

    /** The device reads. Bytes are copied only if the outcome is {@link Outcome#RESOLVED}. */
    public Outcome read(DeviceMapping mapping, long from, MemorySegment target, long targetOffset, long length) {
        try (var _ = reader.enter()) {
            Outcome outcome = find(mapping, from, length, Access.READ, found);
            if (outcome == Outcome.RESOLVED) found.copyTo(0, target, targetOffset, length);
            return outcome;
        }
    }

    /** The device writes. */
    public Outcome write(DeviceMapping mapping, long from, MemorySegment source, long sourceOffset, long length) {
        try (var _ = reader.enter()) {
            Outcome outcome = find(mapping, from, length, Access.WRITE, found);
            if (outcome == Outcome.RESOLVED) found.copyFrom(source, sourceOffset, 0, length);
            return outcome;
        }
    }

    // ---- by address

    /**
     * Resolves a range of device addresses to {@code runs}, for a device that has only addresses from its driver. The
     * function's table translates them; the mapping at the address determines ownership, direction and the end of the
     * buffer. Memory that is in the table but not in a buffer of the core, such as a ring, always belongs to the
     * device. Any other address is a fault, with a finding that names the likely target: an ended mapping, a mapping of
     * another device, or the end of a buffer.
     *
     * @param length in bytes, unsigned
     * @return unless it is {@link Outcome#RESOLVED}, {@code runs} is empty
     * @throws IllegalStateException the view was opened without its core
     */
    public Outcome findAt(long address, long length, Access access, Runs runs) {
        runs.clear();
        Outcome outcome = appendAt(address, length, access, runs);
        if (outcome != Outcome.RESOLVED) runs.clear();
        return outcome;
    }

    private Outcome appendAt(long address, long length, Access access, Runs runs) {
        MachineAddresses addresses = machine;
        if (addresses == null)
            throw new IllegalStateException(function.name() + " uses addresses: open its view with its core");
        if (length == 0) return Outcome.RESOLVED;
        // Longer than any buffer.
        long wanted = length < 0 ? Long.MAX_VALUE : length;
        DeviceMapping mapping = last;
        if (mapping == null || !FunctionAddresses.isMeant(mapping, address, wanted, access)) {
            mapping = addresses.of(function).at(address, wanted, access);
            last = mapping;
        }
        if (mapping == null) return appendUnowned(addresses, address, length, access, runs);
        long covered = mapping.order().covered(address, wanted);
        if (covered < wanted) return runsOver(addresses, mapping, address + covered, wanted - covered, access);
        return append(mapping, address, wanted, access, runs);
    }

    /** All of the range belongs to the mapping. */
    private Outcome append(DeviceMapping mapping, long address, long length, Access access, Runs runs) {
        AddressOrder order = mapping.order();
        long step;
        for (long done = 0; done < length; done += step) {
            int segment = order.at(address + done);
            step = Math.min(length - done, order.left(segment, address + done));
            long from = order.position(segment, address + done);
            if (!isMappedFor(mapping, from, step, access)) return Outcome.FAULT;
            Outcome outcome = resolve(mapping, from, step, access, piece);
            judge(mapping, range.set(from, step), access, outcome == Outcome.RESOLVED);
            if (outcome != Outcome.RESOLVED) return outcome;
            for (int run = 0; run < piece.count(); run++)
                runs.add(piece.mapping(run), piece.offset(run), piece.length(run));
        }
        for (long done = 0; access == Access.WRITE && done < length; done += step) {
            int segment = order.at(address + done);
            step = Math.min(length - done, order.left(segment, address + done));
            mapping.noteWritten(order.position(segment, address + done), step);
        }
        return Outcome.RESOLVED;
    }

    private Outcome appendUnowned(MachineAddresses addresses, long address, long length, Access access, Runs runs) {
        if (!function.space().isIdentity()) {
            Outcome outcome = reader.resolveAt(address, length, access, piece);
            for (int run = 0; run < piece.count(); run++)
                runs.add(piece.mapping(run), piece.offset(run), piece.length(run));
            if (outcome != Outcome.FAULT) return outcome;
        }
        MachineAddresses.Meant meant = addresses.meant(function, address, access);
        addresses.findings().add(meant.rule(), meant.subject(), meant.from(), length, meant.what());
        return Outcome.FAULT;
    }

    /** A range begins in a buffer and ends beyond it. */
    private Outcome runsOver(MachineAddresses addresses, DeviceMapping mapping, long end, long length, Access access) {
        DeviceMapping next = addresses.of(function).at(end, 1, access);
        told(mapping, Rule.DEVICE_OUTSIDE_MAPPING, mapping.attachment().buffer().size(), length,
                "%s over its end at 0x%x by 0x%x bytes%s".formatted(access == Access.READ ? "read" : "written", end,
                        length,
                        next == null ? "" : ", into " + next.attachment().buffer().name()));
        return Outcome.FAULT;
    }

    /**
     * Resolves a part of a programmed list to {@code runs}; each entry as {@link #findAt}.
     *
     * @param from first byte, counted from the beginning of the first entry
     * @return unless it is {@link Outcome#RESOLVED}, {@code runs} is empty; a list that is too short is a fault and a
     * finding
     */
    public Outcome findAt(ProgrammedList list, long from, long length, Access access, Runs runs) {
        if (from < 0 || length < 0) throw new IndexOutOfBoundsException("%d bytes from %d on".formatted(length, from));
        runs.clear();
        long skip = from;
        long left = length;
        for (int entry = 0; entry < list.count() && left > 0; entry++) {
            long bytes = list.length(entry) < 0 ? Long.MAX_VALUE : list.length(entry);
            if (skip >= bytes) {
                skip -= bytes;
                continue;
            }
            long step = Math.min(left, bytes - skip);
            Outcome outcome = appendAt(list.address(entry) + skip, step, access, runs);
            if (outcome != Outcome.RESOLVED) {
                runs.clear();
                return outcome;
            }
            left -= step;
            skip = 0;
        }
        if (left == 0) return Outcome.RESOLVED;
        runs.clear();
        return tooShort(list, left, access);
    }

    private Outcome tooShort(ProgrammedList list, long missing, Access access) {
        MachineAddresses addresses = machine;
        if (addresses == null)
            throw new IllegalStateException(function.name() + " uses addresses: open its view with its core");
        DeviceMapping meant = list.count() == 0 ? null : addresses.of(function).at(list.address(0), 1, access);
        Subject subject = meant == null ? new Subject(function.name(), 0, "", 0) : meant.attachment().subject();
        addresses.findings().add(Rule.DEVICE_OUTSIDE_MAPPING, subject,
                meant == null ? 0 : meant.attachment().buffer().size(), missing,
                "%s behind the end of its list of %s".formatted(access == Access.READ ? "read" : "written", list));
        return Outcome.FAULT;
    }

    /** The device reads by address. */
    public Outcome readAt(long address, MemorySegment target, long targetOffset, long length) {
        try (var _ = reader.enter()) {
            Outcome outcome = findAt(address, length, Access.READ, found);
            if (outcome == Outcome.RESOLVED) found.copyTo(0, target, targetOffset, length);
            return outcome;
        }
    }

    /** The device writes by address. */
    public Outcome writeAt(long address, MemorySegment source, long sourceOffset, long length) {
        try (var _ = reader.enter()) {
            Outcome outcome = findAt(address, length, Access.WRITE, found);
            if (outcome == Outcome.RESOLVED) found.copyFrom(source, sourceOffset, 0, length);
            return outcome;
        }
    }

    /** The device reads from a programmed list. */
    public Outcome readAt(ProgrammedList list, long from, MemorySegment target, long targetOffset, long length) {
        try (var _ = reader.enter()) {
            Outcome outcome = findAt(list, from, length, Access.READ, found);
            if (outcome == Outcome.RESOLVED) found.copyTo(0, target, targetOffset, length);
            return outcome;
        }
    }

    /** The device writes to a programmed list. */
    public Outcome writeAt(ProgrammedList list, long from, MemorySegment source, long sourceOffset, long length) {
        try (var _ = reader.enter()) {
            Outcome outcome = findAt(list, from, length, Access.WRITE, found);
            if (outcome == Outcome.RESOLVED) found.copyFrom(source, sourceOffset, 0, length);
            return outcome;
        }
    }

    @Override
    public void close() {
        last = null;
        reader.close();
    }
}
