package sluice.dmacore.witness;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DeviceView;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.finding.Subject;
import sluice.iommu.Access;
import sluice.iommu.space.Outcome;

/**
 * DMA of a witnessed device of this process, on its own thread: each access is looked up in the kernel's mappings.
 * Memory that is not mapped is accessed nevertheless, as on a machine without an IOMMU, and is a finding.
 */
public final class WitnessedView implements AutoCloseable {
    /** Accesses memory through the front-end's table, without the cache model. */
    @FunctionalInterface
    public interface Bus {
        /** @return whether it succeeded; faults are reported by the table */
        boolean move(Access access, long address, MemorySegment local, long localOffset, long length);

        /** Whether the front-end lets the device do what the core is about to; if not, that is the table's to tell, too. */
        default boolean reaches(Access access, long address, long length) {
            return true;
        }
    }

    private final WitnessedDevice device;
    private final DeviceView view;

    /** Creates a view for the calling thread. */
    public WitnessedView(WitnessedDevice device) {
        this.device = device;
        view = DeviceView.open(device.function());
    }

    /** Whether the kernel's calls for the device are reported now; otherwise its mappings are unknown. */
    public boolean isTold() {
        return device.isTold();
    }

    /**
     * Copies between memory and {@code local}.
     *
     * @return false if a part of it faulted; the bytes before were copied
     * @throws IndexOutOfBoundsException if {@code local} is shorter
     */
    public boolean move(Access access, long address, MemorySegment local, long localOffset, long length, Bus bus) {
        Objects.checkFromIndexSize(localOffset, length, local.byteSize());
        for (long done = 0; done < length;) {
            long at = address + done;
            long end = address + length;
            Stretch stretch = device.find(at);
            long piece = Math.min(end, stretch == null ? device.nextBegin(at, end) : stretch.end()) - at;
            device.timeline().access(access, device.name(), stretch == null ? "" : stretch.owner().name(),
                    stretch == null ? at : stretch.position(at), piece);
            boolean moved;
            try {
                if (stretch == null) tellUnmapped(access, at, piece);
                moved = move(access, stretch, at, local, localOffset + done, piece, bus);
            } finally {
                device.timeline().end();
            }
            if (!moved) return false;
            done += piece;
        }
        return true;
    }

    private boolean move(Access access, @Nullable Stretch stretch, long at, MemorySegment local, long localOffset,
            long piece, Bus bus) {
        DeviceMapping mapping = stretch == null ? null : stretch.owner().mapping();
        if (stretch == null || mapping == null) return bus.move(access, at, local, localOffset, piece);
        if (!bus.reaches(access, at, piece)) return false;
        long from = stretch.position(at);
        Outcome outcome = access == Access.READ
                ? view.read(mapping, from, local, localOffset, piece)
                : view.write(mapping, from, local, localOffset, piece);
        if (outcome == Outcome.RESOLVED && access == Access.WRITE) stretch.owner().written(from, piece);
        // Unmapped during the lookup: the kernel did not wait for the device, which was reported.
        return outcome == Outcome.RESOLVED || bus.move(access, at, local, localOffset, piece);
    }

    private void tellUnmapped(Access access, long at, long length) {
        if (!device.isToldFromTheBeginning()) return;
        String did = access == Access.READ ? "read by the device" : "written by the device";
        EndedRanges.End ended = device.ended(at);
        Subject subject = new Subject(device.name(), 0, "0x" + Long.toHexString(at), 0);
        if (ended == null) {
            device.core().findings().add(Rule.DEVICE_FOREIGN_ADDRESS, subject, 0, length,
                    did + " and never mapped for it");
        } else {
            Findings.at(ended.site(), ended.chain(), () -> device.core().findings().add(Rule.DEVICE_AFTER_UNMAP,
                    subject, 0, length, did + " after it was " + ended.how()));
        }
    }

    @Override
    public void close() {
        view.close();
    }
}
