package sluice.vdev.gpu;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.budget.Resource;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DeviceView;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.buffer.SegmentList;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.memory.BusList;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.FrontTranslation;
import sluice.dmacore.memory.GuestMemory;
import sluice.dmacore.memory.GuestMemoryView;
import sluice.dmacore.memory.IdentityTranslation;
import sluice.dmacore.memory.MemoryRegion;
import sluice.dmacore.memory.Rows;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.memory.Snapshot;
import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.fault.FaultPolicy;
import sluice.iommu.fault.FaultReason;
import sluice.iommu.injection.Occurrences;
import sluice.iommu.injection.Rule;
import sluice.iommu.space.Outcome;
import sluice.iommu.space.Result;

import static org.assertj.core.api.Assertions.assertThat;

/** The pages behind a resource in the GPU's own address space: mapped once, and again when the memory table has changed. */
class BackingSpaceTest {
    private final Result result = new Result();
    private static final int PAGE = 4096;
    /** Of no entry. */
    private static final long NOWHERE = 1;

    private final FileMappings files = new FileMappings(Budget.of(Resource.MAPPINGS, 4));
    private final GuestMemoryView view = new GuestMemoryView();
    private final List<FileMapping> mappings = new ArrayList<>();
    private final List<String> asked = new ArrayList<>();
    private final Translation memory = new Translation();
    private final DmaCore core = DmaCore.open(DmaCoreOptions.counting());
    private final BackingSpace space = new BackingSpace("test", core, Budget.ofProcess().own(),
            DeviceDmaParams.throughIommu(), Stream.COHERENT,
            new FaultPolicy.Abort());

    /** Guest memory that notes what it is asked, and may miss. */
    private final class Translation implements FrontTranslation {
        private final FrontTranslation known = new IdentityTranslation(view, GuestMemory.Addressing.GUEST);
        private long missing = NOWHERE;
        private boolean cache;

        @Override
        public Outcome resolve(long address, long length, Access access, Runs target, Result result) {
            asked.add("%s %d+%d".formatted(access, address, length));
            return address == missing
                    ? result.missed(address, access)
                    : known.resolve(address, length, access, target, result);
        }

        @Override
        public boolean isRevocable() {
            return cache;
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
        space.setMemory(memory);
    }

    private void useFile(int which) throws Exception {
        view.adopt(GuestMemory.of(List.of(MemoryRegion.of(0, 8 * PAGE, 0, mappings.get(which), 0))));
    }

    @AfterEach
    void unmap() {
        view.adopt(GuestMemory.empty());
        mappings.forEach(FileMapping::release);
        assertThat(core.findings().errors()).isEmpty();
    }

    @Test
    void whatIsReadInTheGuestsTimeIsFound() throws Exception {
        Backing backing = backing(0, PAGE);
        space.map(backing, 1, result);
        DeviceMapping mapping = Objects.requireNonNull(backing.mapping());
        try (DeviceView device = DeviceView.open(mapping.attachment().function()); var _ = device.enter()) {
            assertThat(device.find(mapping, 0, 10, Access.READ, new Runs()))
                    .isEqualTo(Outcome.RESOLVED);
        }
        assertThat(core.findings().errors()).extracting(Finding::rule)
                .containsExactly(sluice.dmacore.finding.Rule.MISSING_SYNC_FOR_DEVICE);
        core.findings().clear();
    }

    /** A list of (address, length), as it stands in an attach command. */
    private Backing backing(long... entries) throws Exception {
        ByteBuffer command = ByteBuffer.allocate(32 + 8 * entries.length).order(ByteOrder.LITTLE_ENDIAN);
        command.putInt(28, entries.length / 2).position(32);
        for (int i = 0; i < entries.length; i += 2) {
            command.putLong(entries[i]).putInt((int) entries[i + 1]).putInt(0xdead); // padding is not looked at
        }
        FileMapping file = mappings.get(1);
        file.segment().copyFrom(MemorySegment.ofArray(command.array()));
        Runs runs = new Runs();
        runs.add(file, 0, command.capacity());
        Snapshot snapshot = new Snapshot(command.capacity());
        assertThat(snapshot.take(runs, 0, command.capacity())).isTrue();
        return new Backing(BusList.read(snapshot, Wire.ResourceAttachBacking.BYTES, entries.length / 2));
    }

    /** What the GPU reads of a backing, through its own space. */
    private byte[] read(Backing backing, long offset, int bytes) {
        Rows rows = new Rows().set(offset, bytes);
        try (var _ = space.enter()) {
            assertThat(space.give(backing, rows)).isEqualTo(Outcome.RESOLVED);
            byte[] out = new byte[bytes];
            space.found().copyTo(0, out, 0, bytes);
            return out;
        } finally {
            space.takeBack(backing, rows);
        }
    }

    private void fill(int file, int from, int bytes, int value) {
        mappings.get(file).segment().asSlice(from, bytes).fill((byte) value);
    }

    @Test
    void itsEntriesAreReadInTheirOrder() throws Exception {
        Backing backing = backing(5 * PAGE, 100, PAGE, 3, 0, 50);
        fill(0, 5 * PAGE, 100, 1);
        fill(0, PAGE, 3, 2);
        fill(0, 0, 50, 3);
        assertThat(space.map(backing, 1, result)).isEqualTo(Outcome.RESOLVED);
        assertThat(asked).containsExactly("READ 20480+100", "READ 4096+3", "READ 0+50");
        assertThat(read(backing, 99, 6)).containsExactly(1, 2, 2, 2, 3, 3);
        assertThat(backing.bytes()).isEqualTo(153);
    }

    @Test
    void scatteredPagesAreOneSegment() throws Exception {
        Backing backing = backing(5 * PAGE, PAGE, PAGE, PAGE, 0, PAGE, 3 * PAGE, 50);
        assertThat(space.map(backing, 1, result)).isEqualTo(Outcome.RESOLVED);
        SegmentList segments = Objects.requireNonNull(backing.mapping()).segments();
        assertThat(segments.count()).isEqualTo(1);
        assertThat(segments.length(0)).isEqualTo(3 * PAGE + 50);
        assertThat(space.space().table().mappings()).hasSize(1);
    }

    @Test
    void itIsMappedOnceAsLongAsTheTableStays() throws Exception {
        Backing backing = backing(0, 10);
        for (int i = 0; i < 5; i++) assertThat(space.map(backing, 1, result)).isEqualTo(Outcome.RESOLVED);
        assertThat(asked).hasSize(1);
        fill(1, 0, 10, 7);
        useFile(1);
        assertThat(space.map(backing, 1, result)).isEqualTo(Outcome.RESOLVED);
        assertThat(read(backing, 0, 10)).containsOnly(7);
        assertThat(asked).hasSize(2);
        assertThat(space.space().table().mappings()).as("the old pages are let go of").hasSize(1);
    }

    @Test
    void whatIsNoMemoryIsNotMapped() throws Exception {
        assertThat(space.map(backing(0, 10, 8 * PAGE - 1, 2), 1, result)).isEqualTo(Outcome.FAULT);
        assertThat(space.map(backing(0, 0xffff_ffffL), 1, result)).isEqualTo(Outcome.FAULT);
        assertThat(asked.getLast()).isEqualTo("READ 0+4294967295");
        assertThat(space.space().table().mappings()).isEmpty();
    }

    @Test
    void moreThanTheSpaceHoldsIsRefusedBeforeItIsLookedUp() throws Exception {
        Backing backing = backing(0, 0xffff_ffffL, 0, 2);
        assertThat(space.map(backing, 1, result)).isEqualTo(Outcome.NO_ROOM);
        assertThat(asked).isEmpty();
    }

    @Test
    void whatGoesAwayIsNotReadAnyMore() throws Exception {
        Backing backing = backing(0, 10);
        space.map(backing, 1, result);
        view.adopt(GuestMemory.empty());
        assertThat(space.map(backing, 1, result)).isEqualTo(Outcome.FAULT);
        assertThat(space.space().table().mappings()).isEmpty();
        useFile(0);
        assertThat(space.map(backing, 1, result)).isEqualTo(Outcome.RESOLVED);
    }

    @Test
    void whatACacheDoesNotKnowYetIsAskedAgainFromThereOn() throws Exception {
        memory.cache = true;
        Backing backing = backing(0, 10, PAGE, 10);
        memory.missing = PAGE;
        for (int i = 0; i < 2; i++) {
            assertThat(space.map(backing, 1, result)).isEqualTo(Outcome.MISS);
            assertThat(space.space().table().mappings()).isEmpty();
        }
        memory.missing = NOWHERE;
        assertThat(space.map(backing, 1, result)).isEqualTo(Outcome.RESOLVED);
        assertThat(backing.bytes()).isEqualTo(20);
        assertThat(asked).containsExactly("READ 0+10", "READ 4096+10", "READ 4096+10", "READ 4096+10");
    }

    @Test
    void anInvalidatedBackingIsLetGoOf() throws Exception {
        Backing backing = backing(2 * PAGE, PAGE, 5 * PAGE, PAGE);
        space.map(backing, 1, result);
        assertThat(backing.overlaps(AddressRange.of(3 * PAGE, 2 * PAGE))).isFalse();
        assertThat(backing.overlaps(AddressRange.of(0, 2 * PAGE))).isFalse();
        for (AddressRange hit : List.of(AddressRange.of(6 * PAGE - 1, 1), new AddressRange(0, -1),
                new AddressRange(5 * PAGE + 1, -1), AddressRange.of(PAGE, PAGE + 1))) {
            assertThat(backing.overlaps(hit)).as("%s", hit).isTrue();
        }
        space.unmap(backing);
        assertThat(space.space().table().mappings()).isEmpty();
        assertThat(backing.mapping()).isNull();
    }

    @Test
    void aRuleThatDeniesMakesAFaultAndNoCrash() throws Exception {
        Backing backing = backing(0, PAGE);
        space.map(backing, 7, result);
        space.space().table().inject(new Rule.Deny("no", new AddressRange(0, -1), Access.READ, Occurrences.nth(1)));
        Rows rows = new Rows().set(0, 10);
        try (var _ = space.enter()) {
            assertThat(space.give(backing, rows)).isEqualTo(Outcome.FAULT);
        }
        space.takeBack(backing, rows);
        assertThat(space.space().table().faults().take()).singleElement().satisfies(fault -> {
            assertThat(fault.reason()).isEqualTo(FaultReason.DENIED);
            assertThat(fault.below()).extracting(below -> below.owner().label()).isEqualTo("resource 7");
        });
        assertThat(read(backing, 0, 10)).hasSize(10);
    }

    @Test
    void anEmptyListAndEmptyEntriesAreLegal() throws Exception {
        assertThat(space.map(backing(), 1, result)).isEqualTo(Outcome.RESOLVED);
        Backing backing = backing(-1, 0, PAGE, 7, 1L << 50, 0);
        assertThat(space.map(backing, 1, result)).isEqualTo(Outcome.RESOLVED);
        assertThat(backing.bytes()).isEqualTo(7);
    }
}
