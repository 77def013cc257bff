package sluice.dmacore.space;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.TargetRuns;
import sluice.iommu.epoch.ReadSection;
import sluice.iommu.fault.FaultContext;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Reader;

/**
 * Access of one thread to a device's own space. Memory is resolved and used in a read section, in which the device must
 * not block:
 *
 * <pre>
 * try (var _ = reader.enter()) {
 *     if (reader.resolve(segments, position, length, Access.READ, runs) == Outcome.RESOLVED) ... use the runs
 * }
 * </pre>
 */
public final class DeviceReader implements AutoCloseable {
    private final Reader reader;
    private final FileSlots slots;
    private final boolean identity;
    private final TargetRuns targets = new TargetRuns();

    DeviceReader(Reader reader, FileSlots slots, boolean identity) {
        this.reader = reader;
        this.slots = slots;
        this.identity = identity;
    }

    /** Begins a read section; it ends when the result is closed. */
    public ReadSection enter() {
        return reader.enter();
    }

    /** Sets the context for fault records. */
    public void context(FaultContext doing) {
        reader.context(doing);
    }

    /**
     * Resolves a part of {@code segments} to {@code found}. Valid until the read section ends.
     *
     * @param position of the first byte in the segments
     * @param length in bytes; with {@code position} within {@link Segments#bytes}
     * @return unless it is {@link Outcome#RESOLVED}, {@code found} is empty; nothing resolves in a section that an
     * unmap has revoked
     */
    public Outcome resolve(Segments segments, long position, long length, Access access, Runs found) {
        if (position < 0 || length < 0 || position > segments.bytes() - length) {
            throw new IndexOutOfBoundsException(
                    "%d bytes at position %d of %d bytes".formatted(length, position, segments.bytes()));
        }
        found.clear();
        long at = position;
        long end = position + length;
        for (int segment = length == 0 ? 0 : segments.at(position); at < end; segment++) {
            long into = at - segments.start(segment);
            long piece = Math.min(end - at, segments.length(segment) - into);
            Outcome outcome = append(segments.address(segment) + into, piece, access, found);
            if (outcome != Outcome.RESOLVED) return outcome;
            at += piece;
        }
        // An unmap revokes this reader's section before it releases the slots for other files.
        return length > 0 && reader.revoked()
                ? tooLate(segments.address(segments.count() - 1), 1, access, found)
                : Outcome.RESOLVED;
    }

    /**
     * Resolves a range of addresses to {@code found}, including mappings of other devices: without an IOMMU, any memory
     * that a device of the machine uses.
     *
     * @param length in bytes, unsigned
     * @return as {@link #resolve}
     */
    public Outcome resolveAt(long address, long length, Access access, Runs found) {
        found.clear();
        Outcome outcome = append(address, length, access, found);
        if (outcome != Outcome.RESOLVED) return outcome;
        return length != 0 && reader.revoked() ? tooLate(address, length, access, found) : Outcome.RESOLVED;
    }

    private Outcome append(long address, long length, Access access, Runs found) {
        targets.clear();
        Outcome outcome = reader.translate(address, length, access, targets);
        if (outcome != Outcome.RESOLVED) {
            found.clear();
            return outcome;
        }
        for (int run = 0; run < targets.count(); run++) {
            FileMapping file = slots.file(targets.target(run));
            if (file == null) {
                if (reader.revoked()) return tooLate(address, length, access, found);
                if (identity) {
                    found.clear();
                    return Outcome.FAULT; // the slot was released
                }
                throw new IllegalStateException("a mapping leads to an empty slot");
            }
            found.add(file, FileSlots.offset(targets.target(run)), targets.length(run));
        }
        return Outcome.RESOLVED;
    }

    /** A revoked reader resolves nothing; the second lookup records the fault. */
    private Outcome tooLate(long address, long length, Access access, Runs found) {
        found.clear();
        targets.clear();
        return reader.translate(address, length, access, targets);
    }

    /** The record of the last fault, or null. */
    public @Nullable FaultRecord fault() {
        return reader.fault();
    }

    @Override
    public void close() {
        reader.close();
    }
}
