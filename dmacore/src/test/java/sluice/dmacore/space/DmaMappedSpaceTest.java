package sluice.dmacore.space;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.TreeMap;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.fault.FaultRecord;
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static sluice.dmacore.space.SpaceFiles.PAGE;

/** A space whose addresses the front-end chooses. */
class DmaMappedSpaceTest {
    private static final long SEED = 20261121;
    private static final int PAGES = 64;
    private static final long BASE = 0x1_0000_0000L;

    private final SpaceFiles files = new SpaceFiles();
    private final DmaMappedSpace space = DmaMappedSpace.open("function");
    private final DmaReader reader = space.openReader();

    @AfterEach
    void close() {
        reader.close();
        space.clear();
        // Waits until no file is referenced: all mappings must have been released.
        files.close();
    }

    private byte[] read(long address, int length) {
        byte[] bytes = new byte[length];
        assertThat(reader.read(address, MemorySegment.ofArray(bytes), 0, length)).isEqualTo(Outcome.RESOLVED);
        return bytes;
    }

    private void faults(long address, long length, Access access, FaultReason reason) {
        MemorySegment local = MemorySegment.ofArray(new byte[(int) length]);
        Outcome result = access == Access.READ
                ? reader.read(address, local, 0, length)
                : reader.write(address, local, 0, length);
        assertThat(result).isEqualTo(Outcome.FAULT);
        FaultRecord fault = reader.fault();
        if (fault == null) throw new AssertionError("a fault without a record");
        assertThat(fault.reason()).isEqualTo(reason);
        assertThat(fault.access()).isEqualTo(access);
    }

    private static byte[] bytes(FileMapping file, long offset, int length) {
        byte[] bytes = new byte[length];
        MemorySegment.copy(file.segment(), offset, MemorySegment.ofArray(bytes), 0, length);
        return bytes;
    }

    private void refused(int errno, String sentence, ThrowingCallable change) {
        int before = space.table().mappings().size();
        assertThatExceptionOfType(DmaRefusedException.class).isThrownBy(change).withMessageContaining(sentence)
                .satisfies(refusal -> assertThat(refusal.errno()).isEqualTo(errno));
        assertThat(space.table().mappings()).hasSize(before);
    }

    @Test
    void whatTheDeviceReadsAndWritesIsTheFile() throws Exception {
        FileMapping file = files.filled(PAGES, 1);
        space.map(BASE, 4 * PAGE, file, 8 * PAGE, Permission.READ_WRITE);
        assertThat(read(BASE + 5, (int) (3 * PAGE))).isEqualTo(bytes(file, 8 * PAGE + 5, (int) (3 * PAGE)));
        byte[] own = { 1, 2, 3, 4, 5, 6, 7 };
        assertThat(reader.write(BASE + PAGE - 3, MemorySegment.ofArray(own), 1, 6)).isEqualTo(Outcome.RESOLVED);
        assertThat(bytes(file, 9 * PAGE - 3, 6)).containsExactly(2, 3, 4, 5, 6, 7);
        faults(BASE + 4 * PAGE - 2, 4, Access.READ, FaultReason.NOT_MAPPED);
        faults(BASE - 1, 1, Access.WRITE, FaultReason.NOT_MAPPED);
    }

    @Test
    void moreThanOneSectionIsMovedWhole() throws Exception {
        int length = 5 << 20;
        FileMapping file = files.filled((int) (length / PAGE), 2);
        space.map(0, length, file, 0, Permission.READ_ONLY);
        assertThat(read(17, length - 20)).isEqualTo(bytes(file, 17, length - 20));
        faults(0, 16, Access.WRITE, FaultReason.PERM_WRITE);
    }

    @Test
    void neighboursInOneFileAreOneRun() throws Exception {
        FileMapping file = files.filled(PAGES, 3);
        for (int page = 0; page < PAGES; page++)
            space.map(BASE + page * PAGE, PAGE, file, page * PAGE, Permission.READ_WRITE);
        Runs runs = new Runs();
        try (var _ = reader.enter()) {
            assertThat(reader.resolve(BASE, PAGES * PAGE, Access.WRITE, runs)).isEqualTo(Outcome.RESOLVED);
        }
        assertThat(runs.count()).isEqualTo(1);
        assertThat(runs.bytes()).isEqualTo(PAGES * PAGE);
    }

    @Test
    void whatBreaksARuleChangesNothing() throws Exception {
        FileMapping file = files.filled(PAGES, 4);
        space.map(BASE, 4 * PAGE, file, 0, Permission.READ_WRITE);
        refused(Errno.EEXIST, "overlaps",
                () -> space.map(BASE + 3 * PAGE, 2 * PAGE, file, 0, Permission.READ_WRITE));
        refused(Errno.EINVAL, "file offset", () -> space.map(0, 2 * PAGE, file, (PAGES - 1) * PAGE,
                Permission.READ_WRITE));
        refused(Errno.EINVAL, "file offset", () -> space.map(0, PAGE, file, 1, Permission.READ_WRITE));
        refused(Errno.EINVAL, "file offset", () -> space.map(0, PAGE, file, -PAGE, Permission.READ_WRITE));
        refused(Errno.EINVAL, "file offset", () -> space.map(0, PAGE, file, Long.MAX_VALUE - PAGE + 1,
                Permission.READ_WRITE));
        refused(Errno.EINVAL, "multiples of 4096", () -> space.map(1, PAGE, file, 0, Permission.READ_WRITE));
        refused(Errno.EINVAL, "multiples of 4096", () -> space.mapWithoutFile(0, 0, Permission.READ_WRITE));
        refused(Errno.ERANGE, "more than the bus has", () -> space.mapWithoutFile(0, -PAGE, Permission.READ_WRITE));
        refused(Errno.ERANGE, "aperture", () -> space.map(-PAGE, PAGE, file, 0, Permission.READ_WRITE));
        refused(Errno.ERANGE, "covers only a part", () -> space.unmap(AddressRange.of(BASE + PAGE, PAGE)));
        refused(Errno.EINVAL, "does not begin and end at a page", () -> space.unmap(AddressRange.of(BASE, 5)));
    }

    /** A table for 2^56 bytes would use 3 GiB, at no cost to the front-end. */
    @Test
    void noMoreIsMappedThanTheLimit() throws Exception {
        refused(Errno.ENOSPC, "the limit is", () -> space.mapWithoutFile(0, 1L << 56, Permission.READ_WRITE));
        space.mapWithoutFile(0, DmaMappedSpace.MAX_BYTES - PAGE, Permission.READ_WRITE);
        refused(Errno.ENOSPC, "the limit is", () -> space.mapWithoutFile(1L << 56, 2 * PAGE, Permission.READ_WRITE));
        refused(Errno.EEXIST, "overlaps", () -> space.mapWithoutFile(0, PAGE, Permission.READ_WRITE));
        space.mapWithoutFile(1L << 56, PAGE, Permission.READ_WRITE);
        assertThat(space.unmap(AddressRange.of(1L << 56, PAGE))).isEqualTo(PAGE);
        space.mapWithoutFile(1L << 56, PAGE, Permission.READ_WRITE);
        space.clear();
        space.mapWithoutFile(PAGE, DmaMappedSpace.MAX_BYTES, Permission.READ_WRITE);
    }

    @Test
    void anUnmapTakesAllThatLiesInIt() throws Exception {
        FileMapping file = files.filled(PAGES, 5);
        space.map(BASE, PAGE, file, 0, Permission.READ_WRITE);
        space.map(BASE + 4 * PAGE, 2 * PAGE, file, PAGE, Permission.READ_WRITE);
        space.mapWithoutFile(BASE + 16 * PAGE, PAGE, Permission.READ_ONLY);
        files.letGo();
        assertThat(read(BASE, 1)).hasSize(1);
        long generation = space.generation();
        assertThat(space.unmap(AddressRange.of(BASE - 64 * PAGE, 32 * PAGE))).isZero();
        assertThat(space.generation()).isEqualTo(generation);
        assertThat(space.unmap(AddressRange.of(0, 1L << 48))).isEqualTo(4 * PAGE);
        assertThat(space.generation()).isNotEqualTo(generation);
        faults(BASE, 1, Access.READ, FaultReason.AFTER_UNMAP);
        // Although the space lives on.
        files.awaitGone();
    }

    @Test
    void whatHasNoFileIsAskedFor() throws Exception {
        FileMapping file = files.filled(PAGES, 6);
        space.map(BASE, PAGE, file, 0, Permission.READ_WRITE);
        // Over a place where the numbers that stand for it begin anew.
        space.mapWithoutFile((1L << 39) - PAGE, 2 * PAGE, Permission.READ_ONLY);
        space.mapWithoutFile(BASE + PAGE, PAGE, Permission.READ_ONLY);
        byte[] own = new byte[8192];
        MemorySegment local = MemorySegment.ofArray(own);
        assertThat(reader.read(BASE + PAGE - 4, local, 0, 8)).isEqualTo(Outcome.WITHOUT_FILE);
        assertThat(own).as("nothing is done by halves").containsOnly(0);
        assertThat(reader.read((1L << 39) - PAGE, local, 0, 8192)).isEqualTo(Outcome.WITHOUT_FILE);
        faults(BASE + PAGE, 4, Access.WRITE, FaultReason.PERM_WRITE);
    }

    /** As a driver behind an IOMMU does it; each operation costs the same, however many mappings there are. */
    @Test
    void aHundredThousandPagesAreMappedOneByOne() throws Exception {
        int count = 100_000;
        FileMapping file = files.sparse(count * PAGE);
        long began = System.nanoTime();
        for (int page = 0; page < count; page++)
            space.map(BASE + 2L * page * PAGE, PAGE, file, page * PAGE, Permission.READ_WRITE);
        assertThat(space.table().mappings()).hasSize(count);
        for (int page = 0; page < count; page++)
            assertThat(space.unmap(AddressRange.of(BASE + 2L * page * PAGE, PAGE))).isEqualTo(PAGE);
        long millis = (System.nanoTime() - began) / 1_000_000;
        System.out.println(count + " maps and unmaps took " + millis + " ms");
        assertThat(space.table().mappings()).isEmpty();
        assertThat(millis).as("10^4 a second are needed").isLessThan(count / 10);
    }

    /** What a guest behind a vIOMMU may do on purpose: the heap it costs has an end, and it can go on. */
    @ParameterizedTest
    @ValueSource(longs = { 2L << 20, 1L << 30 })
    void pagesFarApartAreRefusedBeforeTheyFillTheHeap(long stride) throws Exception {
        FileMapping file = files.sparse(PAGE);
        int mapped = 0;
        DmaRefusedException refused = null;
        while (refused == null) {
            try {
                space.map(mapped * stride, PAGE, file, 0, Permission.READ_WRITE);
                mapped++;
            } catch (DmaRefusedException full) {
                refused = full;
            }
        }
        assertThat(refused.errno()).isEqualTo(Errno.ENOSPC);
        assertThat(refused).hasMessageContaining("larger than 16 MiB");
        assertThat(mapped).isBetween(2000, 4096);
        assertThat(space.unmap(AddressRange.of(0, 4 * stride))).isEqualTo(4 * PAGE);
        space.map(mapped * stride, PAGE, file, 0, Permission.READ_WRITE);
        assertThat(space.clear().mappings()).hasSize(mapped - 3);
    }

    @Test
    void anyOrderOfMapsAndUnmapsLeadsWhereAModelSays() throws Exception {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        FileMapping[] sources = { files.filled(PAGES, 7), files.filled(PAGES, 8) };
        record Piece(FileMapping file, long offset, int pages) {}
        TreeMap<Integer, Piece> model = new TreeMap<>();
        for (int step = 0; step < 3000; step++) {
            int at = random.nextInt(PAGES);
            int pages = 1 + random.nextInt(8);
            boolean free = model.entrySet().stream()
                    .noneMatch(other -> other.getKey() < at + pages && at < other.getKey() + other.getValue().pages());
            Piece present = model.get(at);
            if (free) {
                Piece piece = new Piece(sources[random.nextInt(2)], random.nextInt(PAGES - 8) * PAGE, pages);
                space.map(BASE + at * PAGE, pages * PAGE, piece.file(), piece.offset(), Permission.READ_WRITE);
                model.put(at, piece);
            } else if (present != null) {
                assertThat(space.unmap(AddressRange.of(BASE + at * PAGE, present.pages() * PAGE)))
                        .isEqualTo(present.pages() * PAGE);
                model.remove(at);
            }
            int look = random.nextInt(PAGES + 8);
            var below = model.floorEntry(look);
            if (below != null && look < below.getKey() + below.getValue().pages()) {
                Piece piece = below.getValue();
                assertThat(read(BASE + look * PAGE, 64)).isEqualTo(
                        bytes(piece.file(), piece.offset() + (look - below.getKey()) * PAGE, 64));
            } else {
                assertThat(reader.read(BASE + look * PAGE, MemorySegment.ofArray(new byte[1]), 0, 1))
                        .isEqualTo(Outcome.FAULT);
            }
        }
        assertThat(Arrays.asList(sources)).allSatisfy(file -> assertThat(file.segment().scope().isAlive()).isTrue());
    }

    @Test
    void mappingsOfAGreedyFunctionLeaveHeapForAnother() throws Exception {
        Budget budget = Budget.of(Resource.HEAP, 1 << 20);
        DmaMappedSpace greedy = DmaMappedSpace.open("greedy", budget.share("greedy"));
        DmaMappedSpace clean = DmaMappedSpace.open("clean", budget.share("clean"));
        int mapped = 0;
        String refusal = "";
        while (refusal.isEmpty()) {
            try {
                greedy.mapWithoutFile(2L * mapped * PAGE, PAGE, Permission.READ_WRITE);
                mapped++;
            } catch (DmaRefusedException e) {
                assertThat(e.errno()).isEqualTo(Errno.ENOSPC);
                refusal = String.valueOf(e.getMessage());
            }
        }
        assertThat(refusal).startsWith("greedy does not get ").contains("more bytes of heap")
                .endsWith("or serve fewer devices in one process");
        assertThat(mapped).isBetween(1000, 4000);
        for (int i = 0; i < 500; i++) clean.mapWithoutFile(2L * i * PAGE, PAGE, Permission.READ_WRITE);
        assertThatExceptionOfType(DmaRefusedException.class)
                .isThrownBy(() -> greedy.mapWithoutFile(BASE, PAGE, Permission.READ_WRITE));
        greedy.unmap(AddressRange.of(0, PAGE));
        greedy.mapWithoutFile(BASE, PAGE, Permission.READ_WRITE);
        greedy.clear();
        clean.clear();
        assertThat(budget.used(Resource.HEAP)).isZero();
    }
}
