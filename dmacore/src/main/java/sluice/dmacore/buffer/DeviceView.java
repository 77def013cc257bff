package sluice.dmacore.buffer;

import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.space.DeviceReader;
import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;
import sluice.iommu.Access;
import sluice.iommu.epoch.ReadSection;
import sluice.iommu.fault.FaultContext;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.Outcome;

/**
 * How one thread of a device reads and writes its buffers: through the function's own table, and never what it does not own
 * without a finding. What is found is used inside of a read section, in which the device waits for nothing:
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

    private DeviceView(DeviceFunction function) {
        this.function = function;
        reader = function.space().openReader();
    }

    /** A view for the calling thread, which is the only one that may use it. */
    public static DeviceView open(DeviceFunction function) {
        return new DeviceView(function);
    }

    /** Begins a read section; it ends when what is returned is closed. */
    public ReadSection enter() {
        return reader.enter();
    }

    /** Says what the device is doing, for the records of its faults. */
    public void context(FaultContext doing) {
        reader.context(doing);
    }

    /** The record of the last fault, or null. */
    public @Nullable FaultRecord fault() {
        return reader.fault();
    }

    /**
     * Sets {@code runs} to the memory behind a part of a buffer, as this device sees it. Good until the read section ends.
     *
     * @param from first byte in the buffer
     * @return unless it is {@link Outcome#RESOLVED}, {@code runs} is empty
     */
    public Outcome find(DeviceMapping mapping, long from, long length, Access access, Runs runs) {
        return findRows(mapping, from, length, length, 1, access, runs);
    }

    /**
     * As {@link #find}, for a rectangle: the runs cover everything from its first byte to its last, and only the rows are the
     * device's to touch.
     *
     * @param rowBytes of each row
     * @param stride from the beginning of one row to that of the next, at least {@code rowBytes}
     * @param rows at least 1
     */
    public Outcome findRows(DeviceMapping mapping, long from, long rowBytes, long stride, long rows, Access access,
            Runs runs) {
        long length = (rows - 1) * stride + rowBytes;
        runs.clear();
        Attachment attachment = mapping.attachment();
        DmaBuf buffer = attachment.buffer();
        if (attachment.function() != function)
            throw new IllegalArgumentException("%s uses a mapping of %s".formatted(function.name(),
                    attachment.function().name()));
        if (from < 0 || length < 0 || from > buffer.size() - length) {
            told(mapping, Rule.DEVICE_OUTSIDE_MAPPING, from, length, "%s outside of its %d bytes".formatted(
                    access == Access.READ ? "read" : "written", buffer.size()));
            return Outcome.FAULT;
        }
        if (!mapping.isLive()) {
            told(mapping, Rule.DEVICE_AFTER_UNMAP, from, length,
                    access == Access.READ ? "read after its end" : "written after its end");
            return Outcome.FAULT;
        }
        mapping.noteUsed();
        boolean write = access == Access.WRITE;
        if (write && buffer.state() == DmaBuf.State.MOVING)
            told(mapping, Rule.WROTE_WHILE_MOVING, from, length, "written while the buffer is being moved");
        for (long row = 0; row < rows; row++)
            buffer.core().gate().deviceAccess(mapping.lines(), mapping.holder(), from + row * stride, rowBytes,
                    write);
        TraceSink trace = buffer.core().trace();
        long began = trace.isOn() ? System.nanoTime() : 0;
        Outcome outcome = reader.resolve(mapping.mapped(), from, length, access, runs);
        if (outcome != Outcome.RESOLVED) return outcome;
        if (began != 0) {
            trace.record(EventKind.TRANSLATE, buffer.number(), attachment.number(), 0, from, length, length,
                    System.nanoTime() - began);
        }
        if (!write) return outcome;
        for (long row = 0; row < rows; row++) mapping.noteWritten(from + row * stride, rowBytes);
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

    @Override
    public void close() {
        reader.close();
    }
}
