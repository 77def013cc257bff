package sluice.dmacore.space;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.MemoryFiles;
import sluice.dmacore.memory.MemoryRegion;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Owner;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.IoSpaceOptions;
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;

/** Files with data for the tests of device spaces; unreferenced at the end. */
final class SpaceFiles implements AutoCloseable {
    static final long PAGE = MemoryRegion.PAGE;
    static final Owner OWNER = new Owner(7, "buffer 7");

    private final MemoryFiles files = new MemoryFiles(4096);
    private final List<FileMapping> held = new ArrayList<>();

    /** A file with random bytes, which this holds until {@link #letGo}. */
    FileMapping filled(int pages, int seed) throws IOException {
        FileMapping file = files.filled(pages * PAGE, seed);
        held.add(file);
        return file;
    }

    /** A file of holes. */
    FileMapping sparse(long bytes) throws IOException {
        FileMapping file = files.mapping(bytes);
        held.add(file);
        return file;
    }

    /** From here on only a device space holds the files. */
    void letGo() {
        held.forEach(FileMapping::release);
        held.clear();
    }

    /** Waits until all files are unmapped, which is not before every space has given them back. */
    void awaitGone() {
        files.awaitUnmapped();
    }

    @Override
    public void close() {
        letGo();
        awaitGone();
    }

    static IoSpaceOptions options(long apertureBytes) {
        return IoSpaceOptions.of("device", AddressRange.of(1L << 32, apertureBytes));
    }

    static Runs runs(FileMapping file, long... offsetsAndLengths) {
        Runs runs = new Runs();
        for (int i = 0; i < offsetsAndLengths.length; i += 2)
            runs.add(file, offsetsAndLengths[i], offsetsAndLengths[i + 1]);
        return runs;
    }

    /** What a device reads there. */
    static byte[] read(DeviceReader reader, Segments segments, long position, int length) {
        byte[] bytes = new byte[length];
        Runs found = new Runs();
        try (var _ = reader.enter()) {
            assertThat(reader.resolve(segments, position, length, Access.READ, found)).isEqualTo(Outcome.RESOLVED);
            assertThat(found.bytes()).isEqualTo(length);
            found.copyTo(0, bytes, 0, length);
        }
        return bytes;
    }

    static byte[] bytes(Runs runs, long position, int length) {
        byte[] bytes = new byte[length];
        runs.copyTo(position, bytes, 0, length);
        return bytes;
    }

    /** The access faults for this reason, and finds nothing. */
    static void faults(DeviceReader reader, Segments segments, Access access, FaultReason reason) {
        Runs found = new Runs();
        try (var _ = reader.enter()) {
            assertThat(reader.resolve(segments, 0, segments.bytes(), access, found)).isEqualTo(Outcome.FAULT);
        }
        assertThat(found.bytes()).isZero();
        FaultRecord fault = reader.fault();
        if (fault == null) throw new AssertionError("a fault without a record");
        assertThat(fault.reason()).isEqualTo(reason);
        assertThat(fault.access()).isEqualTo(access);
    }
}
