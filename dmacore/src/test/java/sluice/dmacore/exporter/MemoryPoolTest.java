package sluice.dmacore.exporter;

import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.buffer.AllocationRequest;
import sluice.dmacore.buffer.BufferMemory;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.MemoryFiles;
import sluice.dmacore.memory.Runs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.dmacore.buffer.Machine.PAGE;

/** Allocation and freeing of memory, compared with a set of used pages. */
@Tag("S21")
class MemoryPoolTest {
    private static final long SEED = 20260613;
    private static final int PAGES = 96;
    private static final int STEPS = 3_000;

    private final MemoryFiles files = new MemoryFiles(8);
    private final Random random = new Random(SEED);
    private final BitSet given = new BitSet();

    @AfterEach
    void allFilesAreGone() {
        files.awaitUnmapped();
    }

    private MemoryPool open(int pages) throws IOException {
        return MemoryPool.open(files.mappings(), (long) pages * PAGE, SEED, false);
    }

    private static void free(BufferMemory memory) {
        memory.whenFreed().run();
        Runs runs = memory.runs();
        for (int run = 0; run < runs.count(); run = runs.endOfFile(run)) runs.mapping(run).release();
    }

    private static @Nullable BufferMemory allocate(MemoryPool pool, AllocationRequest request) {
        try {
            return pool.allocate(request);
        } catch (DmaBufException full) {
            assertThat(full.errno()).isEqualTo(Errno.ENOMEM);
            return null;
        }
    }

    private DeviceDmaParams device() {
        DeviceDmaParams params = random.nextBoolean()
                ? DeviceDmaParams.physicallyContiguous()
                : DeviceDmaParams.scatterGather();
        if (random.nextInt(3) == 0) params = params.withPageGranule((long) PAGE << (1 + random.nextInt(3)));
        // Masks that end inside of the pool, and one beyond it.
        if (random.nextInt(3) == 0) params = params.withDmaMask(((long) PAGE << (3 + random.nextInt(5))) - 1);
        return params;
    }

    /** Whether there is an aligned free place for a number of pages below a limit. */
    private boolean hasRoom(int pages, int alignment, int limit) {
        for (int at = 0; at + pages <= limit; at += alignment) {
            int next = given.nextSetBit(at);
            if (next < 0 || next >= at + pages) return true;
        }
        return false;
    }

    /** Aligned places with enough free pages. */
    private int places(int pages, int alignment, int limit) {
        int places = 0;
        for (int at = 0; at + pages <= limit; at += alignment) {
            int next = given.nextSetBit(at);
            if (next < 0 || next >= at + pages) places++;
        }
        return places;
    }

    private boolean possible(AllocationRequest request) {
        int wanted = (int) ((request.bytes() + PAGE - 1) / PAGE);
        int limit = request.highest() < 0 ? PAGES : (int) Math.min(PAGES, (request.highest() + 1) / PAGE);
        int unit = (int) (request.alignment() / PAGE);
        if (request.contiguous()) return hasRoom(wanted, unit, limit);
        int whole = places(unit, unit, limit);
        int rest = wanted % unit;
        // What is left over needs no more than its own pages, of a unit that is as good as taken.
        return whole >= wanted / unit && (rest == 0 || places(rest, unit, limit) > wanted / unit);
    }

    private void take(BufferMemory memory, AllocationRequest request, FileMapping file, String what) {
        Runs runs = memory.runs();
        assertThat(runs.bytes()).as(what).isEqualTo(request.bytes());
        if (request.contiguous()) assertThat(runs.count()).as(what).isEqualTo(1);
        for (int run = 0; run < runs.count(); run++) {
            assertThat(runs.mapping(run)).isSameAs(file);
            assertThat(runs.offset(run) % request.alignment()).as(what).isZero();
            int first = (int) (runs.offset(run) / PAGE);
            int end = (int) ((runs.offset(run) + runs.length(run) + PAGE - 1) / PAGE);
            int next = given.nextSetBit(first);
            assertThat(next < 0 || next >= end).as("%s: nobody has pages %d to %d", what, first, end - 1).isTrue();
            given.set(first, end);
            if (request.highest() >= 0)
                assertThat((long) end * PAGE - 1).as(what).isLessThanOrEqualTo(request.highest());
        }
    }

    private void giveBack(BufferMemory memory) {
        Runs runs = memory.runs();
        for (int run = 0; run < runs.count(); run++) {
            given.clear((int) (runs.offset(run) / PAGE),
                    (int) ((runs.offset(run) + runs.length(run) + PAGE - 1) / PAGE));
        }
        free(memory);
    }

    @Test
    void eachPageIsGivenToOneBufferAsItsDevicesWant() throws IOException {
        List<BufferMemory> held = new ArrayList<>();
        int refused = 0;
        try (MemoryPool pool = open(PAGES)) {
            for (int step = 0; step < STEPS; step++) {
                if (!held.isEmpty() && random.nextInt(5) < 2) {
                    giveBack(held.remove(random.nextInt(held.size())));
                } else {
                    long bytes = 1L + random.nextInt(random.nextBoolean() ? 3 * PAGE : 20 * PAGE);
                    AllocationRequest request = AllocationRequest.of(bytes, List.of(device()));
                    String what = "seed %d, step %d: %s with %s given".formatted(SEED, step, request, given);
                    BufferMemory memory = allocate(pool, request);
                    assertThat(memory != null).as(what).isEqualTo(possible(request));
                    if (memory == null) {
                        refused++;
                    } else {
                        take(memory, request, pool.file(), what);
                        held.add(memory);
                    }
                }
                assertThat(pool.freePages()).as("step %d", step).isEqualTo(PAGES - given.cardinality());
            }
            held.forEach(this::giveBack);
            assertThat(pool.freePages()).isEqualTo(PAGES);
        }
        assertThat(refused).as("times without room").isBetween(STEPS / 20, STEPS / 2);
    }

    /** As after some hours of uptime: neighbours in a buffer are not neighbours in memory. */
    @Test
    void pagesAreScatteredUnlessSomebodyMinds() throws IOException {
        try (MemoryPool pool = open(1024)) {
            AllocationRequest any = AllocationRequest.of(64L * PAGE, List.of(DeviceDmaParams.throughIommu()));
            AllocationRequest one = AllocationRequest.of(64L * PAGE, List.of(DeviceDmaParams.physicallyContiguous()));
            BufferMemory inOnePiece = allocate(pool, one);
            BufferMemory scattered = allocate(pool, any);
            if (scattered == null || inOnePiece == null) throw new AssertionError("1024 pages are free");
            assertThat(scattered.runs().count()).isGreaterThan(50);
            assertThat(inOnePiece.runs().count()).isEqualTo(1);
            free(scattered);
            free(inOnePiece);
        }
    }

    /** Buffers keep their memory when the pool is closed, and no other memory is freed. */
    @Test
    @Tag("M28")
    void whoClosesThePoolFreesNoBuffersMemory() throws IOException {
        MemoryPool pool = open(4);
        BufferMemory memory = allocate(pool, AllocationRequest.of(PAGE, List.of()));
        if (memory == null) throw new AssertionError("4 pages are free");
        pool.close();
        Runs runs = memory.runs();
        byte[] bytes = { 1, 2, 3 };
        runs.copyFrom(bytes, 0, 0, 3);
        byte[] seen = new byte[3];
        runs.copyTo(0, seen, 0, 3);
        assertThat(seen).isEqualTo(bytes);
        assertThat(files.mappings().count()).isEqualTo(1);
        free(memory);
    }

    @Test
    void aPoolSaysWhatItIs() throws IOException {
        try (MemoryPool early = open(1); MemoryPool late = MemoryPool.open(files.mappings(), PAGE, 1, true)) {
            assertThat(early.name()).isEqualTo("pool");
            assertThat(early.cpuWriters()).isEqualTo(Exporter.CpuWriters.BRACKETED);
            assertThat(early.moves()).isTrue();
            assertThat(early.allocatesLate()).isFalse();
            assertThat(late.allocatesLate()).isTrue();
            assertThat(early.file().size()).isEqualTo(PAGE);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = { 0, -4096, 4097, 1L << 43 })
    void aPoolIsWholePagesAndNotMoreThanCanBeCounted(long bytes) {
        assertThatThrownBy(() -> MemoryPool.open(files.mappings(), bytes, 1, false))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("" + bytes);
    }
}
