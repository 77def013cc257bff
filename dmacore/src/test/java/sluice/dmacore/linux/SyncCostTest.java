package sluice.dmacore.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;

/** The cost of a bracket, reported but not judged: a time in a guest is only comparable with others in the same run. */
@Tag("guest")
class SyncCostTest {
    private static final int ROUNDS = 200;

    @ParameterizedTest
    @CsvSource({ "udmabuf, 4096, false", "udmabuf, 8294400, false", "udmabuf, 8294400, true", "system, 4096, false",
            "system, 8294400, false", "system, 8294400, true" })
    void aPairOfSyncs(String exporter, int asked, boolean imported) throws Exception {
        try (Fd buffer = buffer(exporter, asked); Arena arena = Arena.ofConfined()) {
            long size = DmaBufFile.size(buffer);
            MemorySegment mapped = Mman.map(buffer, 0, size, Mman.PROT_READ | Mman.PROT_WRITE, arena);
            if (!imported) {
                report(exporter, size, "nobody has imported it", measure(buffer, mapped));
                return;
            }
            try (Vgem vgem = Vgem.open()) {
                int handle = vgem.attach(buffer);
                report(exporter, size, "imported", measure(buffer, mapped));
                vgem.detach(handle);
            }
        }
    }

    private static Fd buffer(String exporter, int size) throws IOException {
        if (exporter.equals("system")) {
            try (DmaHeap heap = DmaHeap.open("system")) {
                return heap.allocate(size);
            }
        }
        try (Udmabuf device = Udmabuf.open(); Fd memfd = Memfd.create("cost", Memfd.ALLOW_SEALING)) {
            long pages = (size + Mman.pageSize() - 1) / Mman.pageSize();
            Memfd.resize(memfd, pages * Mman.pageSize());
            Seals.add(memfd, Seals.SHRINK);
            return device.create(memfd, 0, pages * Mman.pageSize());
        }
    }

    private static long[] measure(Fd buffer, MemorySegment mapped) throws ErrnoException {
        long[] nanos = new long[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            long began = System.nanoTime();
            DmaBufFile.syncStart(buffer, SyncAccess.READ_WRITE);
            DmaBufFile.syncEnd(buffer, SyncAccess.READ_WRITE);
            nanos[round] = System.nanoTime() - began;
            DmaBufFile.syncStart(buffer, SyncAccess.READ_WRITE);
            int before = mapped.get(JAVA_INT, 0);
            mapped.set(JAVA_INT, 0, before + 1);
            DmaBufFile.syncEnd(buffer, SyncAccess.READ_WRITE);
        }
        assertThat(mapped.get(JAVA_INT, 0)).as("what the brackets protected").isEqualTo(ROUNDS);
        Arrays.sort(nanos);
        return nanos;
    }

    private static void report(String exporter, long size, String who, long[] nanos) {
        System.out.printf("a pair of syncs on %d bytes of %s, %s: %.1f us least, %.1f us median%n", size, exporter, who,
                nanos[0] / 1e3, nanos[nanos.length / 2] / 1e3);
    }
}
