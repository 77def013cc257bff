package sluice.dmacore.memory;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.memory.GuestMemory.Addressing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Resolving addresses, against a map from every page to its place in a file. */
class GuestMemoryTest {
    private static final long SEED = 20260105;
    private static final long PAGE = MemoryRegion.PAGE;
    private static final int FILE_PAGES = 64;

    private final MemoryFiles files = new MemoryFiles(2);
    private final List<FileMapping> mappings = new ArrayList<>();
    private final Random random = new Random(SEED);

    /** Where a page lies. */
    private record Page(FileMapping mapping, long offset) {}

    /** A run as it should come out. */
    private record Piece(FileMapping mapping, long offset, long length) {}

    @BeforeEach
    void mapTwoFiles() throws Exception {
        for (int i = 0; i < 2; i++) mappings.add(files.mapping(FILE_PAGES * PAGE));
    }

    @AfterEach
    void unmap() {
        mappings.forEach(FileMapping::release);
        files.awaitUnmapped();
    }

    /** Page numbers at which regions are laid, in pages: around 0, 4 GiB, 2^63 and up to the very last page. */
    private long somewhere() {
        long base = switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> 1L << 20;
            case 2 -> 1L << 51;
            default -> (1L << 52) - 80;
        };
        return base + random.nextInt(70);
    }

    private boolean isFree(Map<Long, Page> pages, long first, int count) {
        for (int i = 0; i < count; i++) {
            if (pages.containsKey(first + i)) return false;
        }
        return first + count <= 1L << 52;
    }

    /** Regions in no order, adjacent ones and ones with holes between, with the pages they stand for. */
    private List<MemoryRegion> layout(Map<Long, Page> guest, Map<Long, Page> user) throws Exception {
        List<MemoryRegion> regions = new ArrayList<>();
        MemoryRegion last = null;
        for (int i = 0; i < 12; i++) {
            int count = 1 + random.nextInt(6);
            FileMapping mapping = mappings.get(random.nextInt(2));
            long filePage = random.nextInt(FILE_PAGES - count + 1);
            long guestPage = somewhere();
            long userPage = somewhere();
            if (last != null && random.nextBoolean()) {
                guestPage = (last.guest().last() >>> 12) + 1;
                if (random.nextBoolean()) userPage = (last.user().last() >>> 12) + 1;
                // Sometimes the file goes on as well: then the two make one run.
                long next = (last.fileOffset() + last.size()) / PAGE;
                if (random.nextBoolean() && next + count <= FILE_PAGES) {
                    mapping = last.mapping();
                    filePage = next;
                }
            }
            if (!isFree(guest, guestPage, count) || !isFree(user, userPage, count)) continue;
            last = MemoryRegion.of(guestPage << 12, count * PAGE, userPage << 12, mapping, filePage * PAGE);
            regions.add(last);
            for (int page = 0; page < count; page++) {
                guest.put(guestPage + page, new Page(mapping, (filePage + page) * PAGE));
                user.put(userPage + page, new Page(mapping, (filePage + page) * PAGE));
            }
        }
        Collections.shuffle(regions, random);
        return regions;
    }

    /** The runs of a range, page by page, merged where contiguous; null if a page is not memory. */
    private static @Nullable List<Piece> expected(Map<Long, Page> pages, long address, long length) {
        List<Piece> pieces = new ArrayList<>();
        long left = length;
        for (long at = address; left > 0;) {
            Page page = pages.get(at >>> 12);
            if (page == null) return null;
            long into = at & (PAGE - 1);
            long piece = Math.min(left, PAGE - into);
            add(pieces, new Piece(page.mapping, page.offset + into, piece));
            left -= piece;
            at += piece;
            if (at == 0 && left > 0) return null; // memory does not go on behind 2^64
        }
        return pieces;
    }

    private static void add(List<Piece> pieces, Piece next) {
        if (!pieces.isEmpty()) {
            Piece last = pieces.getLast();
            if (last.mapping == next.mapping && last.offset + last.length == next.offset) {
                pieces.set(pieces.size() - 1, new Piece(last.mapping, last.offset, last.length + next.length));
                return;
            }
        }
        pieces.add(next);
    }

    private static List<Piece> pieces(Runs runs) {
        List<Piece> pieces = new ArrayList<>();
        for (int i = 0; i < runs.count(); i++) {
            pieces.add(new Piece(runs.mapping(i), runs.offset(i), runs.length(i)));
        }
        return pieces;
    }

    @ParameterizedTest
    @EnumSource
    void resolvesWhatAWalkOverThePagesFinds(Addressing addressing) throws Exception {
        int resolved = 0;
        int several = 0;
        int refused = 0;
        for (int round = 0; round < 150; round++) {
            Map<Long, Page> guest = new HashMap<>();
            Map<Long, Page> user = new HashMap<>();
            List<MemoryRegion> regions = layout(guest, user);
            GuestMemory memory = GuestMemory.of(regions);
            Map<Long, Page> pages = addressing == Addressing.GUEST ? guest : user;
            Runs runs = new Runs();
            List<Piece> soFar = new ArrayList<>();
            for (int probe = 0; probe < 200; probe++) {
                MemoryRegion region = regions.get(random.nextInt(regions.size()));
                long start = addressing == Addressing.GUEST ? region.guest().first() : region.userAddress();
                long address = start + random.nextLong(region.size() + PAGE) - random.nextInt(64);
                long length = random.nextInt(random.nextBoolean() ? 64 : 40_000);
                List<Piece> expected = expected(pages, address, length);
                boolean answer = memory.resolve(address, length, addressing, runs);
                assertThat(answer).as("seed %d, round %d: 0x%x bytes at 0x%x of %s", SEED, round, length, address,
                        regions).isEqualTo(expected != null);
                if (expected != null) {
                    expected.forEach(piece -> add(soFar, piece));
                    resolved++;
                    if (expected.size() > 1) several++;
                } else {
                    refused++;
                }
                assertThat(pieces(runs)).isEqualTo(soFar);
                if (random.nextInt(10) == 0) {
                    runs.clear();
                    soFar.clear();
                }
            }
            memory.release();
        }
        assertThat(resolved).isGreaterThan(5_000);
        assertThat(several).as("resolutions over more than one run").isGreaterThan(500);
        assertThat(refused).isGreaterThan(5_000);
    }

    @Test
    void memoryThatEndsAtTheLastAddressDoesNotGoOnAtZero() throws Exception {
        GuestMemory memory = GuestMemory.of(List.of(MemoryRegion.of(-PAGE, PAGE, 0, mappings.get(0), 0),
                MemoryRegion.of(0, PAGE, -PAGE, mappings.get(0), PAGE)));
        Runs runs = new Runs();
        for (Addressing addressing : Addressing.values()) {
            assertThat(memory.resolve(-PAGE, PAGE, addressing, runs)).isTrue();
            assertThat(memory.resolve(-PAGE, PAGE + 1, addressing, runs)).isFalse();
            assertThat(memory.resolve(-1, 2, addressing, runs)).isFalse();
            assertThat(memory.resolve(-1, Long.MAX_VALUE, addressing, runs)).isFalse();
        }
        assertThat(runs.bytes()).isEqualTo(2 * PAGE);
        memory.release();
    }

    @Test
    void findsTheRegionOfAnAddressInBothNumberings() throws Exception {
        MemoryRegion region = MemoryRegion.of(2 * PAGE, PAGE, 7 * PAGE, mappings.get(0), 0);
        GuestMemory memory = GuestMemory.of(List.of(region));
        assertThat(memory.regionAt(2 * PAGE, Addressing.GUEST)).isEqualTo(region);
        assertThat(memory.regionAt(3 * PAGE - 1, Addressing.GUEST)).isEqualTo(region);
        assertThat(memory.regionAt(2 * PAGE, Addressing.USER)).isNull();
        assertThat(memory.regionAt(7 * PAGE, Addressing.USER)).isEqualTo(region);
        assertThat(memory.regionAt(3 * PAGE, Addressing.GUEST)).isNull();
        memory.release();
    }

    @Test
    void refusesRegionsThatOverlapInEitherNumberingAndKeepsNothing() throws Exception {
        FileMapping file = mappings.get(0);
        MemoryRegion first = MemoryRegion.of(0, 2 * PAGE, 0x10_0000, file, 0);
        MemoryRegion guest = MemoryRegion.of(PAGE, PAGE, 0x20_0000, file, 0);
        MemoryRegion user = MemoryRegion.of(8 * PAGE, PAGE, 0x10_1000, file, 0);
        assertThatThrownBy(() -> GuestMemory.of(List.of(first, guest))).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("ranges [0x0, 0x1fff] and [0x1000, 0x1fff] overlap");
        assertThatThrownBy(() -> GuestMemory.of(List.of(first, user))).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("ranges [0x100000, 0x101fff] and [0x101000, 0x101fff] overlap");
        GuestMemory memory = GuestMemory.of(List.of(first));
        assertThatThrownBy(() -> memory.with(guest)).isInstanceOf(IllegalArgumentException.class);
        memory.release();
        // unmap() would wait in vain if a refused table had kept the file.
    }
}
