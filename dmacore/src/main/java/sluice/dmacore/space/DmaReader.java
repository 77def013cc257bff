package sluice.dmacore.space;

import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.trace.DeviceTrace;
import sluice.iommu.Access;
import sluice.iommu.TargetRuns;
import sluice.iommu.epoch.ReadSection;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Reader;

/** Access of one thread of a device to a {@link DmaMappedSpace}. */
public final class DmaReader implements AutoCloseable {
    /** Bytes copied in one read section: about 0.1 ms, which bounds the wait of an unmap on another thread. */
    private static final long SECTION_BYTES = 1 << 20;

    private final Reader reader;
    private final FileSlots slots;
    private final DeviceTrace trace;
    private final TargetRuns targets = new TargetRuns();
    private final Runs runs = new Runs();
    private final AddressLimit limit;

    DmaReader(Reader reader, FileSlots slots, DeviceTrace trace, AddressLimit limit) {
        this.reader = reader;
        this.slots = slots;
        this.trace = trace;
        this.limit = limit;
    }

    /**
     * Begins a read section; it ends when the result is closed. Runs from {@link #resolve} are valid until then; the
     * device must not block meanwhile.
     */
    public ReadSection enter() {
        return reader.enter();
    }

    /**
     * Appends the memory of a range of bus addresses to {@code found}. Called in a read section.
     *
     * @return {@link Outcome#RESOLVED}, {@link Outcome#WITHOUT_FILE}, or {@link Outcome#FAULT} with its record in
     * {@link #fault}; unless it is the first, {@code found} is undefined
     */
    public Outcome resolve(long address, long length, Access access, Runs found) {
        targets.clear();
        if (!limit.allows(address, length, access)) return Outcome.FAULT;
        if (reader.translate(address, length, access, targets) != Outcome.RESOLVED) return Outcome.FAULT;
        for (int run = 0; run < targets.count(); run++)
            if (FileSlots.isWithoutFile(targets.target(run))) return Outcome.WITHOUT_FILE;
        for (int run = 0; run < targets.count(); run++) {
            FileMapping file = slots.file(targets.target(run));
            if (file == null || reader.revoked()) return tooLate(address, length, access);
            found.add(file, FileSlots.offset(targets.target(run)), targets.length(run));
        }
        return Outcome.RESOLVED;
    }

    /** A revoked reader resolves nothing; the second lookup records the fault. */
    private Outcome tooLate(long address, long length, Access access) {
        if (!reader.revoked()) throw new IllegalStateException("a mapping leads to an empty slot");
        targets.clear();
        Outcome outcome = reader.translate(address, length, access, targets);
        assert outcome != Outcome.RESOLVED : "a section that was given up on translates";
        return Outcome.FAULT;
    }

    /**
     * Reads {@code length} bytes at a bus address into {@code target}. Outside of a read section.
     *
     * @return as {@link #resolve}; unless it is {@link Outcome#RESOLVED} nothing was done, or another thread unmapped
     * the memory in the middle
     * @throws IndexOutOfBoundsException if {@code target} is shorter
     */
    public Outcome read(long address, MemorySegment target, long targetOffset, long length) {
        return move(address, target, targetOffset, length, Access.READ);
    }

    /**
     * Writes {@code length} bytes of {@code source} to a bus address. Outside of a read section.
     *
     * @throws IndexOutOfBoundsException if {@code source} is shorter
     */
    public Outcome write(long address, MemorySegment source, long sourceOffset, long length) {
        return move(address, source, sourceOffset, length, Access.WRITE);
    }

    private Outcome move(long address, MemorySegment local, long localOffset, long length, Access access) {
        if (localOffset < 0 || length < 0 || localOffset > local.byteSize() - length) {
            throw new IndexOutOfBoundsException(
                    "%d bytes at %d of %d".formatted(length, localOffset, local.byteSize()));
        }
        for (long done = 0; done < length;) {
            long piece = Math.min(length - done, SECTION_BYTES);
            runs.clear();
            try (var _ = reader.enter()) {
                // Checks the whole range first, because memory without a file must be detected before anything is
                // copied.
                long began = trace.begin();
                Outcome result = resolve(address + done, done == 0 ? length : piece, access, runs);
                if (result == Outcome.RESOLVED) {
                    trace.translated(address + done, piece, began);
                    result = copy(address + done, local, localOffset + done, piece, access);
                }
                if (result != Outcome.RESOLVED) return result;
            } finally {
                runs.clear();
            }
            done += piece;
        }
        return Outcome.RESOLVED;
    }

    private Outcome copy(long address, MemorySegment local, long localOffset, long piece, Access access) {
        try {
            if (access == Access.READ) {
                runs.copyTo(0, local, localOffset, piece);
            } else {
                runs.copyFrom(local, localOffset, 0, piece);
            }
            return Outcome.RESOLVED;
        } catch (IllegalStateException e) {
            // Revoked in the middle, by an unmap that has released the file.
            if (!reader.revoked()) throw e;
            return tooLate(address, piece, access);
        }
    }

    /** The record of the last fault, or null. */
    public @Nullable FaultRecord fault() {
        FaultRecord beyond = limit.fault();
        return beyond == null ? reader.fault() : beyond;
    }

    @Override
    public void close() {
        reader.close();
    }
}
