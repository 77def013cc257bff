package sluice.vdev.gpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.FrontTranslation.Outcome;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.GuestMemoryView;
import sluice.dmacore.memory.IdentityTranslation;
import sluice.dmacore.memory.MemoryRegion;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.memory.Snapshot;
import sluice.dmacore.memory.VmaBudget;
import sluice.iommu.Access;

import static org.assertj.core.api.Assertions.assertThat;

/** The pages behind a resource: resolved once, and again when the memory table has changed. */
class BackingTest {
    private static final int PAGE = 4096;

    private final FileMappings files = new FileMappings(new VmaBudget(4));
    private final GuestMemoryView view = new GuestMemoryView();
    private final List<FileMapping> mappings = new ArrayList<>();
    private final List<String> asked = new ArrayList<>();
    private final Translation memory = new Translation();

    /** Guest memory that notes what it is asked, and may miss. */
    private final class Translation implements FrontTranslation {
        private final FrontTranslation known = new IdentityTranslation(view, GuestMemory.Addressing.GUEST);
        private long missing = -1;

        @Override
        public Outcome resolve(long address, long length, Access access, Runs target) {
            asked.add("%s %d+%d".formatted(access, address, length));
            return address == missing ? Outcome.MISS : known.resolve(address, length, access, target);
        }

        @Override
        public long failedAddress() {
            return missing;
        }

        @Override
        public long generation() {
            return known.generation();
        }

        @Override
        public GuestMemory memory() {
            return known.memory();
        }
    }

    @BeforeEach
    void mapTwoFiles() throws Exception {
        for (int i = 0; i < 2; i++) {
            try (Fd fd = Memfd.create("guest", 0)) {
                Memfd.resize(fd, 8 * PAGE);
                mappings.add(files.map(fd));
            }
        }
        useFile(0);
    }

    private void useFile(int which) throws Exception {
        view.adopt(GuestMemory.of(List.of(MemoryRegion.of(0, 8 * PAGE, 0, mappings.get(which), 0))));
    }

    @AfterEach
    void unmap() {
        view.adopt(GuestMemory.empty());
        mappings.forEach(FileMapping::release);
    }

    /** A list of (address, length), as it stands in an attach command. */
    private Backing backing(long... entries) throws Exception {
        ByteBuffer command = ByteBuffer.allocate(32 + 8 * entries.length).order(ByteOrder.LITTLE_ENDIAN);
        command.position(32);
        for (int i = 0; i < entries.length; i += 2) {
            command.putLong(entries[i]).putInt((int) entries[i + 1]).putInt(0xdead); // padding is not looked at
        }
        FileMapping file = mappings.get(1);
        file.segment().copyFrom(MemorySegment.ofArray(command.array()));
        Runs runs = new Runs();
        runs.add(file, 0, command.capacity());
        Snapshot snapshot = new Snapshot(command.capacity());
        assertThat(snapshot.take(runs, 0, command.capacity())).isTrue();
        return Backing.read(snapshot, entries.length / 2);
    }

    @Test
    void itsEntriesBecomeRunsInTheirOrder() throws Exception {
        Backing backing = backing(5 * PAGE, 100, PAGE, 3, 0, 50);
        assertThat(backing.resolve(memory)).isEqualTo(Outcome.RESOLVED);
        assertThat(backing.runs().count()).isEqualTo(3);
        assertThat(backing.runs().bytes()).isEqualTo(153);
        assertThat(backing.runs().offset(0)).isEqualTo(5 * PAGE);
        assertThat(backing.runs().offset(1)).isEqualTo(PAGE);
        assertThat(asked).containsExactly("READ 20480+100", "READ 4096+3", "READ 0+50");
    }

    @Test
    void itIsResolvedOnceAsLongAsTheTableStays() throws Exception {
        Backing backing = backing(0, 10);
        for (int i = 0; i < 5; i++) assertThat(backing.resolve(memory)).isEqualTo(Outcome.RESOLVED);
        assertThat(asked).hasSize(1);
        assertThat(backing.runs().mapping(0)).isSameAs(mappings.get(0));
        useFile(1);
        assertThat(backing.resolve(memory)).isEqualTo(Outcome.RESOLVED);
        assertThat(backing.runs().mapping(0)).isSameAs(mappings.get(1));
        assertThat(backing.runs().bytes()).as("not appended to what was there").isEqualTo(10);
        assertThat(asked).hasSize(2);
    }

    @Test
    void whatIsNoMemoryLeavesItEmpty() throws Exception {
        Backing backing = backing(0, 10, 8 * PAGE - 1, 2);
        assertThat(backing.resolve(memory)).isEqualTo(Outcome.FAULT);
        assertThat(backing.runs().bytes()).isZero();
        Backing huge = backing(0, 0xffff_ffffL);
        assertThat(huge.resolve(memory)).isEqualTo(Outcome.FAULT);
        assertThat(asked.getLast()).isEqualTo("READ 0+4294967295");
    }

    @Test
    void whatGoesAwayIsNotReachedThroughOldRuns() throws Exception {
        Backing backing = backing(0, 10);
        backing.resolve(memory);
        view.adopt(GuestMemory.empty());
        assertThat(backing.resolve(memory)).isEqualTo(Outcome.FAULT);
        assertThat(backing.runs().count()).isZero();
        useFile(0);
        assertThat(backing.resolve(memory)).isEqualTo(Outcome.RESOLVED);
    }

    @Test
    void whatACacheDoesNotKnowYetIsAskedAgain() throws Exception {
        Backing backing = backing(0, 10, PAGE, 10);
        memory.missing = PAGE;
        for (int i = 0; i < 2; i++) {
            assertThat(backing.resolve(memory)).isEqualTo(Outcome.MISS);
            assertThat(backing.runs().bytes()).isZero();
        }
        memory.missing = -1;
        assertThat(backing.resolve(memory)).isEqualTo(Outcome.RESOLVED);
        assertThat(backing.runs().bytes()).isEqualTo(20);
    }

    @Test
    void anEmptyListAndEmptyEntriesAreLegal() throws Exception {
        assertThat(backing().resolve(memory)).isEqualTo(Outcome.RESOLVED);
        Backing backing = backing(-1, 0, PAGE, 7, 1L << 50, 0);
        assertThat(backing.resolve(memory)).isEqualTo(Outcome.RESOLVED);
        assertThat(backing.runs().bytes()).isEqualTo(7);
    }
}
