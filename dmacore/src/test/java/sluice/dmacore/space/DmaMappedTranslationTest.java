package sluice.dmacore.space;

import java.util.Random;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.memory.BusList;
import sluice.dmacore.memory.BusRanges;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.Runs;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.space.SpaceFiles.PAGE;

/** A driver's addresses where the front-end maps each range for the device. */
class DmaMappedTranslationTest {
    private static final long SEED = 20_261_121;
    private static final int PAGES = 64;
    private static final long BASE = 0x1_0000_0000L;

    private final SpaceFiles files = new SpaceFiles();
    private final DmaMappedSpace space = DmaMappedSpace.open("function");
    private final DmaMappedTranslation translation = space.openTranslation();
    private final Runs runs = new Runs();
    private final Result result = new Result();

    @AfterEach
    void close() {
        translation.close();
        space.clear();
        // Waits until no file is referenced: all mappings must have been released.
        files.close();
    }

    private void faults(long address, long length, Access access) {
        runs.clear();
        assertThat(translation.resolve(address, length, access, runs, result)).isEqualTo(Outcome.FAULT);
        assertThat(runs.count()).as("what was appended").isZero();
        assertThat(result.address()).isEqualTo(address);
    }

    @Test
    void whatIsMappedResolvesAndNothingElse() throws Exception {
        FileMapping file = files.filled(PAGES, 1);
        space.map(BASE, 4 * PAGE, file, 8 * PAGE, Permission.READ_WRITE);
        assertThat(translation.resolve(BASE + 5, 3 * PAGE, Access.WRITE, runs, result)).isEqualTo(Outcome.RESOLVED);
        assertThat(runs.count()).isEqualTo(1);
        assertThat(runs.mapping(0)).isSameAs(file);
        assertThat(runs.offset(0)).isEqualTo(8 * PAGE + 5);
        assertThat(runs.length(0)).isEqualTo(3 * PAGE);
        faults(BASE + 4 * PAGE - 1, 2, Access.READ);
        assertThat(result.reason()).isEmpty();
        faults(BASE - 1, 1, Access.READ);
        faults(-1, 2, Access.READ);
        faults(1L << 57, 1, Access.READ);
        faults(0, -1, Access.READ);
        assertThat(translation.resolve(123, 0, Access.READ, runs, result)).as("nothing is anywhere").isEqualTo(
                Outcome.RESOLVED);
    }

    @Test
    void aFaultLeavesTheListAsItWas() throws Exception {
        FileMapping file = files.filled(PAGES, 2);
        space.map(0, 2 * PAGE, file, 0, Permission.READ_WRITE);
        space.map(2 * PAGE, PAGE, file, 8 * PAGE, Permission.READ_ONLY);
        assertThat(translation.resolve(0, PAGE, Access.READ, runs, result)).isEqualTo(Outcome.RESOLVED);
        assertThat(translation.resolve(PAGE, 3 * PAGE, Access.READ, runs, result)).isEqualTo(Outcome.FAULT);
        assertThat(translation.resolve(PAGE, 2 * PAGE, Access.WRITE, runs, result)).isEqualTo(Outcome.FAULT);
        assertThat(runs.count()).isEqualTo(1);
        assertThat(runs.bytes()).as("the first run was not made longer").isEqualTo(PAGE);
        assertThat(translation.resolve(PAGE, 2 * PAGE, Access.READ, runs, result)).isEqualTo(Outcome.RESOLVED);
        assertThat(runs.count()).isEqualTo(2);
    }

    @Test
    void whatHasNoFileFaultsWithItsOwnReason() throws Exception {
        FileMapping file = files.filled(PAGES, 3);
        space.map(0, PAGE, file, 0, Permission.READ_WRITE);
        space.mapWithoutFile(PAGE, PAGE, Permission.READ_WRITE);
        faults(PAGE, 1, Access.READ);
        assertThat(result.reason()).contains("without a file");
        faults(PAGE - 4, 8, Access.WRITE);
        assertThat(result.reason()).contains("without a file");
        faults(2 * PAGE, 8, Access.WRITE);
        assertThat(result.reason()).as("that is another fault").isEmpty();
    }

    @Test
    void onlyAnUnmapChangesTheGeneration() throws Exception {
        FileMapping file = files.filled(PAGES, 4);
        long before = translation.generation();
        space.map(0, PAGE, file, 0, Permission.READ_WRITE);
        space.map(PAGE, PAGE, file, 0, Permission.READ_WRITE);
        assertThat(translation.generation()).isEqualTo(before);
        assertThat(space.unmap(AddressRange.of(8 * PAGE, PAGE))).isZero();
        assertThat(translation.generation()).as("nothing was there").isEqualTo(before);
        space.unmap(AddressRange.of(0, PAGE));
        long after = translation.generation();
        assertThat(after).isNotEqualTo(before);
        space.clear();
        assertThat(translation.generation()).isNotIn(before, after);
        assertThat(translation.isRevocable()).isTrue();
    }

    @Test
    void memoryIsAnotherWhenAFileComesOrGoes() throws Exception {
        FileMapping first = files.filled(PAGES, 5);
        FileMapping second = files.filled(PAGES, 6);
        space.map(0, PAGE, first, 0, Permission.READ_WRITE);
        GuestMemory one = translation.memory();
        space.map(PAGE, PAGE, first, PAGE, Permission.READ_WRITE);
        space.unmap(AddressRange.of(0, PAGE));
        assertThat(translation.memory()).as("the same file").isSameAs(one);
        space.map(0, PAGE, second, 0, Permission.READ_WRITE);
        GuestMemory two = translation.memory();
        assertThat(two.number()).isNotEqualTo(one.number());
        space.unmap(AddressRange.of(0, PAGE));
        translation.unmapped();
        assertThat(translation.memory().number()).isNotIn(one.number(), two.number());
    }

    /** A chain that was taken before keeps what it was resolved to; the translation itself does not. */
    @Test
    void filesAreHeldByWhoeverRetainsTheMemory() throws Exception {
        FileMapping file = files.filled(PAGES, 7);
        space.map(0, PAGE, file, 0, Permission.READ_WRITE);
        assertThat(translation.resolve(0, PAGE, Access.READ, runs, result)).isEqualTo(Outcome.RESOLVED);
        GuestMemory chain = translation.memory().retain();
        files.letGo();
        space.unmap(AddressRange.of(0, PAGE));
        translation.unmapped();
        byte[] bytes = new byte[(int) PAGE];
        runs.copyTo(0, bytes, 0, bytes.length);
        chain.release();
        files.awaitGone();
    }

    @Test
    void listsResolveAndBeginAnewAfterAnUnmap() throws Exception {
        FileMapping file = files.filled(PAGES, 8);
        for (int page = 0; page < 8; page++)
            space.map(page * PAGE, PAGE, file, (PAGES - 1 - page) * PAGE, Permission.READ_WRITE);
        BusRanges ranges = new BusRanges();
        ranges.begin(BusList.of(0, PAGE, 3 * PAGE + 8, 2 * PAGE, 0, 0));
        assertThat(ranges.advance(translation, Access.READ, result)).isEqualTo(Outcome.RESOLVED);
        assertThat(ranges.runs().bytes()).isEqualTo(3 * PAGE);
        space.unmap(AddressRange.of(4 * PAGE, PAGE));
        assertThat(ranges.advance(translation, Access.READ, result)).isEqualTo(Outcome.FAULT);
        assertThat(result.address()).isEqualTo(3 * PAGE + 8);
    }

    /** Against a list of pages, in random order. */
    @Test
    void everyAddressLeadsWhereItWasMapped() throws Exception {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        FileMapping file = files.filled(PAGES, 9);
        int[] oracle = new int[PAGES]; // page of the file, plus 1; negative if it is only readable
        for (int step = 0; step < 20_000; step++) {
            int page = random.nextInt(PAGES);
            switch (random.nextInt(3)) {
                case 0 -> {
                    if (oracle[page] != 0) break;
                    int target = random.nextInt(PAGES) + 1;
                    boolean writable = random.nextBoolean();
                    space.map(page * PAGE, PAGE, file, (target - 1) * PAGE,
                            writable ? Permission.READ_WRITE : Permission.READ_ONLY);
                    oracle[page] = writable ? target : -target;
                }
                case 1 -> {
                    space.unmap(AddressRange.of(page * PAGE, PAGE));
                    oracle[page] = 0;
                }
                default -> check(oracle, page * PAGE + random.nextInt((int) PAGE), random.nextInt(3 * (int) PAGE) + 1,
                        random.nextBoolean() ? Access.READ : Access.WRITE);
            }
        }
    }

    private void check(int[] oracle, long address, long length, Access access) {
        boolean allowed = true;
        for (long at = address / PAGE; at <= (address + length - 1) / PAGE; at++) {
            int target = at < oracle.length ? oracle[(int) at] : 0;
            allowed &= access == Access.READ ? target != 0 : target > 0;
        }
        if (!allowed) {
            faults(address, length, access);
            return;
        }
        runs.clear();
        assertThat(translation.resolve(address, length, access, runs, result)).isEqualTo(Outcome.RESOLVED);
        assertThat(runs.bytes()).isEqualTo(length);
        for (long at = address; at < address + length; at += PAGE) {
            int run = runs.runAt(at - address);
            assertThat(runs.offset(run) + at - address - runs.start(run))
                    .isEqualTo((Math.abs(oracle[(int) (at / PAGE)]) - 1) * PAGE + at % PAGE);
        }
    }
}
