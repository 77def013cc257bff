package sluice.dmacore.space;

import java.util.Arrays;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.Permission;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.injection.Occurrences;
import sluice.iommu.injection.Rule;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Refusal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.dmacore.space.SpaceFiles.OWNER;
import static sluice.dmacore.space.SpaceFiles.PAGE;
import static sluice.dmacore.space.SpaceFiles.bytes;
import static sluice.dmacore.space.SpaceFiles.faults;
import static sluice.dmacore.space.SpaceFiles.options;
import static sluice.dmacore.space.SpaceFiles.read;
import static sluice.dmacore.space.SpaceFiles.runs;

/** What a device sees of memory that was mapped for it, and no more. */
class DeviceSpaceTest {
    private static final long SEED = 20261123;
    private static final int PAGES = 64;

    private final SpaceFiles files = new SpaceFiles();
    private final DeviceSpace space = DeviceSpace.open(options(1 << 30));
    private final DeviceReader reader = space.openReader();

    @AfterEach
    void close() {
        reader.close();
        assertThat(space.detach().mappings()).as("left mapped").isEmpty();
        files.close();
    }

    private Segments map(Runs memory) throws MapException {
        return space.map(memory, Permission.READ_WRITE, OWNER);
    }

    @Test
    void scatteredPagesMakeOneSegment() throws Exception {
        FileMapping a = files.filled(PAGES, 1);
        FileMapping b = files.filled(PAGES, 2);
        Runs memory = runs(a, 5 * PAGE, PAGE, 3 * PAGE, 2 * PAGE, 3 * PAGE, PAGE);
        memory.add(b, 0, PAGE);
        memory.add(a, 6 * PAGE, PAGE);
        Segments segments = map(memory);
        assertThat(segments.count()).isEqualTo(1);
        assertThat(segments.bytes()).isEqualTo(6 * PAGE);
        assertThat(read(reader, segments, 0, (int) (6 * PAGE))).isEqualTo(bytes(memory, 0, (int) (6 * PAGE)));
        assertThat(space.table().mappings()).hasSize(1);
        assertThat(space.table().mappings().getFirst().owner()).isEqualTo(OWNER);
        space.unmap(segments);
    }

    @Test
    void aPieceMayBeginAndEndInsideOfAPage() throws Exception {
        FileMapping file = files.filled(PAGES, 1);
        // The first ends and the second begins at a page: one segment. The third begins inside of one, as the fourth.
        Runs memory = runs(file, 2 * PAGE - 100, 100, 5 * PAGE, PAGE + 7, 9 * PAGE + 7, PAGE, 20 * PAGE + 1, 1);
        Segments segments = map(memory);
        assertThat(segments.count()).isEqualTo(3);
        assertThat(segments.length(0)).isEqualTo(100 + PAGE + 7);
        assertThat(segments.address(0) & (PAGE - 1)).isEqualTo(PAGE - 100);
        assertThat(segments.length(1)).isEqualTo(PAGE);
        assertThat(segments.address(1) & (PAGE - 1)).isEqualTo(7);
        assertThat(segments.length(2)).isEqualTo(1);
        assertThat(read(reader, segments, 0, (int) memory.bytes())).isEqualTo(bytes(memory, 0, (int) memory.bytes()));
        space.unmap(segments);
    }

    /** Any list of pieces reads and writes as the same list without a table in between. */
    @Test
    void anyListReadsAndWritesTheRightBytes() throws Exception {
        Random random = new Random(SEED);
        FileMapping[] of = { files.filled(PAGES, 1), files.filled(PAGES, 2), files.filled(PAGES, 3) };
        int several = 0;
        for (int round = 0; round < 400; round++) {
            Runs memory = new Runs();
            boolean wholePages = random.nextInt(4) == 0;
            for (int piece = random.nextInt(12); piece >= 0; piece--) {
                long offset = random.nextInt((int) (PAGES * PAGE));
                if (random.nextBoolean() || wholePages) offset &= -PAGE;
                long length = 1L + random.nextInt(random.nextBoolean() ? 64 : 20_000);
                if (random.nextBoolean()) length += -(offset + length) & (PAGE - 1);
                if (wholePages) length = (length + PAGE - 1) & -PAGE;
                memory.add(of[random.nextInt(3)], offset, Math.min(length, PAGES * PAGE - offset));
            }
            Segments segments = map(memory);
            String where = "seed %d, round %d".formatted(SEED, round);
            assertThat(segments.bytes()).as(where).isEqualTo(memory.bytes());
            if (wholePages) assertThat(segments.count()).as(where).isEqualTo(1);
            if (segments.count() > 1) several++;
            for (int probe = 0; probe < 8; probe++) {
                long position = random.nextLong(memory.bytes());
                int length = random.nextInt((int) (memory.bytes() - position) + 1);
                assertThat(read(reader, segments, position, length)).as(where)
                        .isEqualTo(bytes(memory, position, length));
            }
            write(segments, memory, random, where);
            space.unmap(segments);
        }
        assertThat(several).as("lists of more than one segment").isGreaterThan(100);
    }

    private void write(Segments segments, Runs memory, Random random, String where) {
        long position = random.nextLong(memory.bytes());
        byte[] fresh = new byte[(int) Math.min(memory.bytes() - position, 1 + random.nextInt(10_000))];
        random.nextBytes(fresh);
        Runs found = new Runs();
        try (var _ = reader.enter()) {
            assertThat(reader.resolve(segments, position, fresh.length, Access.WRITE, found))
                    .isEqualTo(Outcome.RESOLVED);
            // The same runs in the same order: what is written twice is written twice in both.
            byte[] before = bytes(memory, position, fresh.length);
            assertThat(bytes(found, 0, fresh.length)).as(where).isEqualTo(before);
            found.copyFrom(fresh, 0, 0, fresh.length);
        }
        assertThat(read(reader, segments, position, fresh.length)).as(where)
                .isEqualTo(bytes(memory, position, fresh.length));
    }

    /**
     * A driver that unmaps as many entries as the map has returned, not as many as it had given, leaves addresses behind. Here
     * one call takes back all of them, into how many segments or mappings ever the list was cut.
     */
    @Test
    @Tag("M3")
    void anUnmapTakesBackAllThatItsMapHasGiven() throws Exception {
        FileMapping file = files.filled(PAGES, 1);
        Runs pieces = runs(file, 2 * PAGE - 100, 100, 5 * PAGE, PAGE + 7, 9 * PAGE + 7, PAGE, 20 * PAGE + 1, 1);
        Segments several = map(pieces);
        Segments merged = map(runs(file, 30 * PAGE, PAGE, 31 * PAGE, PAGE, 40 * PAGE, PAGE));
        assertThat(several.count()).isEqualTo(3);
        assertThat(merged.count()).as("of three pages").isEqualTo(1);
        assertThat(space.table().mappings()).hasSize(4);
        space.unmap(several);
        assertThat(space.table().mappings()).hasSize(1);
        space.unmap(merged);
        assertThat(space.table().mappings()).isEmpty();
        for (Segments gone : List.of(several, merged)) faults(reader, gone, Access.READ, FaultReason.AFTER_UNMAP);
    }

    /** A guest's driver that forgets to map gives the device the memory's own address. */
    @Test
    @Tag("M37")
    void anAddressThatNobodyMappedFaultsEvenIfMemoryIsThere() throws Exception {
        FileMapping file = files.filled(PAGES, 1);
        Segments mapped = map(runs(file, 0, 4 * PAGE));
        Segments unmapped = new Segments(new long[]{ 4 * PAGE }, new long[]{ 0, PAGE }, List.of(), new int[0]);
        faults(reader, unmapped, Access.READ, FaultReason.OUT_OF_APERTURE);
        Segments behind = new Segments(new long[]{ mapped.address(0) + 4 * PAGE }, new long[]{ 0, PAGE }, List.of(),
                new int[0]);
        faults(reader, behind, Access.WRITE, FaultReason.NOT_MAPPED);
        assertThat(space.table().faults().count(FaultReason.NOT_MAPPED)).isEqualTo(1);
        space.unmap(mapped);
    }

    @Test
    void aPositionOutsideOfTheStretchIsRefused() throws Exception {
        Segments segments = map(runs(files.filled(1, 1), 10, 100));
        Runs found = new Runs();
        try (var _ = reader.enter()) {
            assertThat(reader.resolve(segments, 100, 0, Access.READ, found)).isEqualTo(Outcome.RESOLVED);
            for (long[] bad : new long[][]{ { 0, 101 }, { 100, 1 }, { -1, 1 }, { 0, -1 },
                    { Long.MAX_VALUE, Long.MAX_VALUE } })
                assertThatThrownBy(() -> reader.resolve(segments, bad[0], bad[1], Access.READ, found))
                        .isInstanceOf(IndexOutOfBoundsException.class);
        }
        space.unmap(segments);
    }

    @Test
    void whatIsUnmappedFaultsAndItsFilesAreGivenBack() throws Exception {
        Runs memory = runs(files.filled(4, 1), 0, 2 * PAGE);
        memory.add(files.filled(4, 2), 5, 3);
        Segments segments = map(memory);
        files.letGo();
        assertThat(read(reader, segments, 0, 1)).hasSize(1);
        space.unmap(segments);
        faults(reader, segments, Access.READ, FaultReason.AFTER_UNMAP);
        files.awaitGone();
        assertThat(space.table().statistics().mappings()).isZero();
    }

    @Test
    void isUnmappedOnce() throws Exception {
        FileMapping file = files.filled(4, 1);
        Segments first = map(runs(file, 0, PAGE));
        Segments second = map(runs(file, PAGE, PAGE));
        space.unmap(first);
        assertThatThrownBy(() -> space.unmap(first)).isInstanceOf(IllegalStateException.class)
                .hasMessage("device: these segments were unmapped already");
        assertThat(read(reader, second, 0, 8)).as("the file is still held for the other").hasSize(8);
        space.unmap(second);
    }

    @Test
    void insideOfAReadSectionNothingIsUnmapped() throws Exception {
        Segments segments = map(runs(files.filled(1, 1), 0, PAGE));
        try (var _ = reader.enter()) {
            assertThatThrownBy(() -> space.unmap(segments)).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("inside of a read section");
        }
        assertThat(read(reader, segments, 0, 1)).hasSize(1);
        space.unmap(segments);
    }

    @Test
    void aDetachedSpaceStillGivesItsFilesBack() throws Exception {
        Segments segments = map(runs(files.filled(1, 1), 0, PAGE));
        files.letGo();
        assertThat(space.detach().mappings()).hasSize(1);
        faults(reader, segments, Access.READ, FaultReason.AFTER_UNMAP);
        space.unmap(segments);
        files.awaitGone();
    }

    @Test
    void aMappingAllowsWhatItWasMadeFor() throws Exception {
        Runs memory = runs(files.filled(1, 1), 0, PAGE);
        Segments readOnly = space.map(memory, Permission.READ_ONLY, OWNER);
        Segments writeOnly = space.map(memory, Permission.WRITE_ONLY, OWNER);
        faults(reader, readOnly, Access.WRITE, FaultReason.PERM_WRITE);
        faults(reader, writeOnly, Access.READ, FaultReason.PERM_READ);
        assertThat(read(reader, readOnly, 0, 4)).hasSize(4);
        space.unmap(readOnly);
        space.unmap(writeOnly);
    }

    @Test
    void twoSpacesDoNotSeeEachOther() throws Exception {
        DeviceSpace other = DeviceSpace.open(options(1 << 30));
        FileMapping file = files.filled(4, 1);
        Segments mine = map(runs(file, 0, PAGE));
        try (DeviceReader stranger = other.openReader()) {
            faults(stranger, mine, Access.READ, FaultReason.NOT_MAPPED);
            Segments theirs = other.map(runs(file, PAGE, PAGE), Permission.READ_WRITE, OWNER);
            assertThat(theirs.address(0)).as("the same device address").isEqualTo(mine.address(0));
            assertThat(read(stranger, theirs, 0, 64)).isEqualTo(bytes(runs(file, PAGE, 64), 0, 64));
            assertThat(read(reader, mine, 0, 64)).isEqualTo(bytes(runs(file, 0, 64), 0, 64));
            other.unmap(theirs);
        }
        space.unmap(mine);
    }

    @Test
    void withoutRoomNothingIsMapped() throws Exception {
        DeviceSpace small = DeviceSpace.open(options(4 * PAGE));
        FileMapping file = files.filled(PAGES, 1);
        // Four segments of one page each, and one more.
        long[] pieces = new long[10];
        for (int i = 0; i < 5; i++) {
            pieces[2 * i] = 2L * i * PAGE + 1;
            pieces[2 * i + 1] = 10;
        }
        assertThatThrownBy(() -> small.map(runs(file, pieces), Permission.READ_ONLY, OWNER))
                .isInstanceOfSatisfying(MapException.class, e -> assertThat(e.refusal()).isEqualTo(Refusal.NO_ROOM));
        assertThat(small.table().statistics().mappings()).isZero();
        Segments four = small.map(runs(file, Arrays.copyOf(pieces, 8)), Permission.READ_ONLY, OWNER);
        assertThat(four.count()).isEqualTo(4);
        small.unmap(four);
        files.letGo();
        files.awaitGone();
    }

    /** The table may refuse any of the segments, after any of their pages. */
    @ParameterizedTest
    @ValueSource(ints = { 1, 2, 3 })
    @Tag("M33")
    void ifTheTableFailsNothingIsMappedAndNoFileIsHeld(int segment) throws Exception {
        FileMapping file = files.filled(PAGES, 1);
        FileMapping other = files.filled(PAGES, 2);
        Runs memory = runs(file, 2 * PAGE - 100, 100, 5 * PAGE, PAGE, 7 * PAGE, PAGE + 7, 9 * PAGE + 7, PAGE);
        memory.add(other, 20 * PAGE + 1, 1);
        for (int afterRuns = 0; afterRuns < 3; afterRuns++) {
            space.table().inject(new Rule.FailMap("fail", Occurrences.nth(segment), afterRuns));
            assertThatThrownBy(() -> map(memory)).isInstanceOfSatisfying(MapException.class,
                    failure -> assertThat(failure.refusal()).isEqualTo(Refusal.INJECTED));
            assertThat(space.table().mappings()).isEmpty();
            space.table().withdraw("fail");
        }
        Segments segments = map(memory);
        assertThat(segments.count()).isEqualTo(3);
        assertThat(read(reader, segments, 0, (int) memory.bytes())).isEqualTo(bytes(memory, 0, (int) memory.bytes()));
        space.unmap(segments);
        // That no file is held, the end of the test waits for.
    }

    @Test
    void withMoreFilesThanSlotsNothingIsMapped() throws Exception {
        Runs memory = new Runs();
        for (int i = 0; i < FileSlots.COUNT; i++) memory.add(files.sparse(PAGE), 0, PAGE);
        Segments most = map(memory);
        Runs more = runs(files.filled(1, 1), 0, PAGE);
        assertThatThrownBy(() -> map(more)).isInstanceOf(MapException.class)
                .hasMessageContaining("is one file too many, or too large: the limit is 2048 files of 1 TiB");
        space.unmap(most);
        Segments fits = map(more);
        memory.add(more.mapping(0), 0, PAGE);
        assertThatThrownBy(() -> map(memory)).isInstanceOf(MapException.class);
        assertThat(read(reader, fits, 0, 8)).as("a refused list gives back only what it took").hasSize(8);
        space.unmap(fits);
        files.letGo();
        files.awaitGone();
    }

    @Test
    void aFileOfMoreThan1TiBIsRefusedAndNothingIsMapped() throws Exception {
        Runs memory = runs(files.filled(4, 1), 1, 1, PAGE, PAGE);
        memory.add(files.sparse((1L << 40) + PAGE), 0, PAGE);
        assertThatThrownBy(() -> map(memory)).isInstanceOfSatisfying(MapException.class,
                e -> assertThat(e.refusal()).isEqualTo(Refusal.NO_ROOM)).hasMessageContaining("of 1 TiB");
        assertThat(space.table().statistics().mappings()).isZero();
        files.letGo();
        files.awaitGone();
    }

    @Test
    void theEndOfTheLargestFileDoesNotRunIntoTheNext() throws Exception {
        FileMapping largest = files.sparse(1L << 40);
        FileMapping next = files.filled(1, 1);
        Runs memory = runs(largest, (1L << 40) - PAGE, PAGE);
        memory.add(next, 0, PAGE);
        Segments segments = map(memory);
        assertThat(segments.count()).isEqualTo(1);
        assertThat(read(reader, segments, PAGE, (int) PAGE)).isEqualTo(bytes(runs(next, 0, PAGE), 0, (int) PAGE));
        assertThat(read(reader, segments, 0, (int) (2 * PAGE))).startsWith(new byte[(int) PAGE]);
        space.unmap(segments);
    }
}
