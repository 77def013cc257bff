package sluice.dmacore.memory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.budget.ShareUsedUpException;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.Seals;
import sluice.dmacore.linux.TestCalls;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class FileMappingsTest {
    private static final long MIB = 1 << 20;

    private static final long SEED = 20260103;

    private final MemoryFiles files = new MemoryFiles(4);

    @AfterEach
    void nothingIsLeftBehind() {
        files.assertNothingIsLeft();
    }

    @Test
    void theSameFileUnderTwoDescriptorsIsOneMapping() throws Exception {
        try (Fd first = MemoryFiles.file(8192); Fd second = first.duplicate()) {
            assertThat(second.number()).isNotEqualTo(first.number());
            FileMapping one = files.mappings.map(first);
            FileMapping two = files.mappings.map(second);
            assertThat(two).isSameAs(one);
            assertThat(files.mapped()).isEqualTo(1);
            assertThat(files.mappings.count()).isEqualTo(1);
            one.release();
            two.segment().set(JAVA_BYTE, 8191, (byte) 7);
            assertThat(files.mapped()).as("one holder is left").isEqualTo(1);
            two.release();
        }
    }

    /** Who must not wait gets what is mapped, and paid for, and nothing else. */
    @Test
    void aFileIsKnownFromItsFirstMapToItsLastRelease() throws Exception {
        try (Fd fd = MemoryFiles.file(8192)) {
            assertThat(files.mappings.known(fd)).isNull();
            FileMapping mapped = files.mappings.map(fd);
            FileMapping known = files.mappings.known(fd);
            assertThat(known).isSameAs(mapped);
            try (Share other = Budget.ofProcess().share("other")) {
                assertThat(files.mappings.paidBy(other).known(fd)).as("on another's account").isNull();
            }
            Memfd.resize(fd, 4096);
            assertThat(files.mappings.known(fd)).as("of another size").isNull();
            mapped.release();
            mapped.release();
            files.awaitUnmapped();
            Memfd.resize(fd, 8192);
            assertThat(files.mappings.known(fd)).isNull();
        }
        try (Fd pipe = EventFd.create()) {
            assertThatThrownBy(() -> files.mappings.known(pipe)).isInstanceOf(IOException.class);
        }
    }

    @Test
    void twoFilesOfEqualSizeAreTwoMappings() throws Exception {
        FileMapping one = files.mapping(4096);
        FileMapping two = files.mapping(4096);
        assertThat(one.id()).isNotEqualTo(two.id());
        one.segment().set(JAVA_BYTE, 0, (byte) 1);
        assertThat(two.segment().get(JAVA_BYTE, 0)).isZero();
        assertThat(files.mapped()).isEqualTo(2);
        one.release();
        two.release();
    }

    @Test
    void outlivesTheDescriptorAndIsSharedWithWhoeverElseMapsTheFile() throws Exception {
        MemoryFiles others = new MemoryFiles(4);
        FileMapping ours;
        FileMapping theirs;
        try (Fd fd = MemoryFiles.file(100)) {
            ours = files.mappings.map(fd);
            theirs = others.mappings.map(fd);
        }
        assertThat(ours.size()).isEqualTo(100);
        theirs.segment().set(JAVA_BYTE, 99, (byte) 42);
        assertThat(ours.segment().get(JAVA_BYTE, 99)).isEqualTo((byte) 42);
        ours.release();
        theirs.release();
        others.awaitUnmapped();
    }

    @Test
    void theLastReleaseUnmapsAndGivesTheBudgetBack() throws Exception {
        FileMapping mapping = files.mapping(4096);
        MemorySegment segment = mapping.segment();
        mapping.retain();
        mapping.release();
        segment.set(JAVA_BYTE, 0, (byte) 1);
        mapping.release();
        files.awaitUnmapped();
        assertThat(segment.scope().isAlive()).isFalse();
        assertThatThrownBy(() -> segment.get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(mapping::retain).isInstanceOf(IllegalStateException.class)
                .hasMessage(mapping.id() + " is no longer mapped");
        assertThatThrownBy(mapping::release).isInstanceOf(IllegalStateException.class)
                .hasMessage(mapping.id() + " was released more often than retained");
        assertThat(files.mapped()).as("a release too many gives nothing back twice").isZero();
    }

    @Test
    void aFileThatGrewIsMappedAnewAndTheOldMappingLivesOn() throws Exception {
        try (Fd fd = MemoryFiles.file(4096)) {
            FileMapping small = files.mappings.map(fd);
            Memfd.resize(fd, 12288);
            FileMapping large = files.mappings.map(fd);
            assertThat(large).isNotSameAs(small);
            assertThat(large.id()).isEqualTo(small.id());
            assertThat(large.size()).isEqualTo(12288);
            assertThat(files.mappings.map(fd)).as("the newest is the one that is known").isSameAs(large);
            large.release();
            small.segment().set(JAVA_BYTE, 4095, (byte) 9);
            assertThat(large.segment().get(JAVA_BYTE, 4095)).isEqualTo((byte) 9);
            assertThat(files.mapped()).isEqualTo(2);
            small.release();
            MemoryFiles.await("unmapping the small one", () -> files.mapped() == 1);
            assertThat(files.mappings.map(fd)).as("its end did not make the new one forgotten").isSameAs(large);
            large.release();
            large.release();
        }
    }

    @Test
    void aFileThatShrankOffersOnlyWhatIsLeftOfIt() throws Exception {
        try (Fd fd = MemoryFiles.file(12288)) {
            FileMapping before = files.mappings.map(fd);
            Memfd.resize(fd, 4096);
            FileMapping after = files.mappings.map(fd);
            assertThat(after.size()).isEqualTo(4096);
            assertThatThrownBy(() -> MemoryRegion.of(0, 12288, 0, after, 0))
                    .hasMessage("memory region needs bytes 0x0 to 0x3000 of a file that has only 0x1000");
            before.release();
            after.release();
        }
    }

    @Test
    void tellsWhetherTheFileCanBeCutOff() throws Exception {
        try (Fd open = MemoryFiles.file(4096); Fd sealed = MemoryFiles.file(4096)) {
            Seals.add(sealed, Seals.SHRINK);
            FileMapping one = files.mappings.map(open);
            FileMapping two = files.mappings.map(sealed);
            assertThat(one.isShrinkable()).isTrue();
            assertThat(two.isShrinkable()).isFalse();
            one.release();
            two.release();
        }
    }

    @Test
    void refusesWhatIsNoMemoryFileAndTakesNothing() throws Exception {
        try (Fd event = EventFd.create()) {
            assertThatThrownBy(() -> files.mappings.map(event)).isInstanceOf(IOException.class).hasMessage(
                    """
                            the descriptor is not a memory file: guest memory must be a memfd, or a file of tmpfs (/dev/shm) or \
                            hugetlbfs""");
        }
        assertThat(files.mapped()).isZero();
    }

    /** Its file system may keep us waiting: when it is asked for the size, and at each page. */
    @Test
    void refusesAFileOfAnyOtherFileSystem() throws Exception {
        try (Fd library = TestCalls.open(Path.of(System.getProperty("java.home"), "lib", "modules"),
                TestCalls.O_RDONLY)) {
            assertThatThrownBy(() -> files.mappings.map(library)).isInstanceOf(IOException.class)
                    .hasMessageStartingWith("the descriptor is not a memory file: ");
        }
        assertThat(files.mapped()).isZero();
    }

    @Test
    void takesAFileOfTmpfs() throws Exception {
        Path path = Files.createTempFile(Path.of("/dev/shm"), "sluice-test", null);
        try (Fd fd = TestCalls.open(path, TestCalls.O_RDWR)) {
            Files.delete(path);
            Memfd.resize(fd, 8192);
            FileMapping mapping = files.mappings.map(fd);
            assertThat(mapping.isShrinkable()).isTrue();
            mapping.release();
        }
    }

    @Test
    void aMemoryFileIsNoDmaBuf() throws Exception {
        try (Fd fd = MemoryFiles.file(4096)) {
            assertThatThrownBy(() -> files.mappings.mapDmaBuf(fd)).isInstanceOf(IOException.class)
                    .hasMessageContaining("the descriptor is not a dma-buf (mode 0100777)");
        }
        assertThat(files.mapped()).isZero();
    }

    @Test
    void refusesAnEmptyFileAndTakesNothing() throws Exception {
        try (Fd fd = MemoryFiles.file(0)) {
            assertThatThrownBy(() -> files.mappings.map(fd)).isInstanceOf(IOException.class)
                    .hasMessage("the memory file is empty, nothing can be mapped");
        }
        assertThat(files.mapped()).isZero();
    }

    @Test
    void refusesAFileThatMayNotBeWrittenAndGivesTheBudgetBack() throws Exception {
        try (Fd fd = MemoryFiles.file(4096)) {
            Seals.add(fd, Seals.WRITE);
            assertThatThrownBy(() -> files.mappings.map(fd)).isInstanceOf(IOException.class)
                    .hasMessage("mmap: EPERM (1), Operation not permitted");
        }
        assertThat(files.mapped()).isZero();
        assertThat(files.mappings.count()).isZero();
    }

    @Test
    void refusesOneFileMoreThanTheBudgetAllowsButNotOneThatIsMapped() throws Exception {
        List<FileMapping> held = new ArrayList<>();
        try (Fd first = MemoryFiles.file(4096)) {
            held.add(files.mappings.map(first));
            for (int i = 1; i < 4; i++) held.add(files.mapping(4096));
            try (Fd fifth = MemoryFiles.file(4096)) {
                assertThatThrownBy(() -> files.mappings.map(fifth)).isInstanceOf(IOException.class)
                        .hasMessage(
                                "the process itself does not get 1 more memory mappings: it has 4, and of the 4 of this process 0 are free, of which 0 are kept for others; map fewer files, or serve fewer devices in one process");
                assertThat(files.mapped()).isEqualTo(4);
                held.add(files.mappings.map(first));
                held.remove(1).release();
                MemoryFiles.await("a mapping given back", () -> files.mapped() == 3);
                held.add(files.mappings.map(fifth));
            }
        }
        held.forEach(FileMapping::release);
    }

    /** A release races with a map of the same file: a returned mapping is usable, and none is lost or leaked. */
    @Test
    void aFileThatComesAndGoesOnTwoThreadsIsAlwaysUsable() throws Exception {
        int rounds = 3_000;
        try (Fd fd = MemoryFiles.file(4096); Fd second = fd.duplicate()) {
            CompletableFuture<Void> other = CompletableFuture.runAsync(() -> comeAndGo(second, rounds, SEED));
            comeAndGo(fd, rounds, SEED + 1);
            other.get(30, TimeUnit.SECONDS);
        }
    }

    private void comeAndGo(Fd fd, int rounds, long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < rounds; i++) {
            try {
                FileMapping mapping = files.mappings.map(fd);
                mapping.segment().set(JAVA_LONG_UNALIGNED, random.nextInt(4088), i);
                if (random.nextBoolean()) {
                    mapping.retain();
                    mapping.release();
                }
                mapping.release();
            } catch (IOException e) {
                // What is on its way out still counts; it is no more than one per release that was not carried out yet.
                assertThat(e).hasMessageContaining("does not get 1 more memory mappings");
                MemoryFiles.await("room in the budget", () -> files.mapped() < 4);
            }
        }
    }

    @Test
    void whoMapsAFilePaysForItUntilItIsUnmappedAndNobodyTwice() throws Exception {
        Budget budget = Budget.of(Resource.ADDRESS_SPACE, 4 * MIB);
        FileMappings mappings = new FileMappings(budget);
        Share first = budget.share("first");
        Share second = budget.share("second");
        try (Fd fd = MemoryFiles.file(MIB)) {
            FileMapping mapping = mappings.paidBy(first).map(fd);
            assertThat(mappings.paidBy(first).map(fd)).isSameAs(mapping);
            assertThat(mappings.paidBy(second).map(fd)).isSameAs(mapping);
            for (Share share : List.of(first, second)) {
                assertThat(share.used(Resource.ADDRESS_SPACE)).as(share.name()).isEqualTo(MIB);
                assertThat(share.used(Resource.FILES)).as(share.name()).isEqualTo(1);
                assertThat(share.used(Resource.MAPPINGS)).as(share.name()).isEqualTo(1);
            }
            for (int i = 0; i < 3; i++) mapping.release();
        }
        MemoryFiles.await("giving it all back", () -> budget.used(Resource.ADDRESS_SPACE) == 0
                && budget.used(Resource.FILES) == 0 && budget.used(Resource.MAPPINGS) == 0);
    }

    @Test
    void sparseFilesOfOneDeviceLeaveAddressesForTheOthers() throws Exception {
        Budget budget = Budget.ofProcess();
        FileMappings mappings = new FileMappings(budget);
        List<FileMapping> held = new ArrayList<>();
        try (Share greedy = budget.share("greedy"); Share clean = budget.share("clean")) {
            FileMappings taking = mappings.paidBy(greedy);
            for (long bytes = 1L << 46; bytes >= 1L << 30; bytes /= 2) {
                try (Fd fd = MemoryFiles.file(bytes)) {
                    held.add(taking.map(fd));
                } catch (ShareUsedUpException e) {
                    assertThat(e).hasMessageStartingWith("greedy does not get %d more bytes of address space", bytes)
                            .hasMessageEndingWith(
                                    "share files that are no larger than the VM's memory, or serve fewer devices in one process");
                }
            }
            assertThat(held).isNotEmpty();
            try (Fd fd = MemoryFiles.file(1L << 43)) {
                held.add(mappings.paidBy(clean).map(fd));
            }
            held.forEach(FileMapping::release);
            MemoryFiles.await("unmapping", () -> mappings.count() == 0);
        }
    }

    @Test
    void aFileThatIsRefusedIsNotHeldAndNothingOfItIsPaid() throws Exception {
        Budget budget = Budget.of(Resource.MAPPINGS, 1);
        FileMappings mappings = new FileMappings(budget);
        Share first = budget.share("first");
        Share second = budget.share("second");
        try (Fd fd = MemoryFiles.file(MIB)) {
            FileMapping mapping = mappings.paidBy(first).map(fd);
            assertThatThrownBy(() -> mappings.paidBy(second).map(fd)).isInstanceOf(ShareUsedUpException.class);
            assertThat(second.used(Resource.FILES)).isZero();
            assertThat(second.used(Resource.ADDRESS_SPACE)).isZero();
            mapping.release();
        }
        MemoryFiles.await("unmapping", () -> mappings.count() == 0);
        assertThat(first.used(Resource.FILES)).isZero();
    }
}
