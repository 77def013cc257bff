package sluice.dmacore.buffer;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Rows;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.space.Segments;
import sluice.iommu.Access;
import sluice.iommu.Owner;
import sluice.iommu.Permission;
import sluice.iommu.space.MapException;
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.dmacore.buffer.Machine.PAGE;

/** Devices that know no buffers: they do DMA with the addresses that a driver has programmed, right or wrong. */
class AddressedDmaTest {
    private static final long SEED = 20_251_129;
    private static final DeviceDmaParams IOMMU = DeviceDmaParams.throughIommu();
    private static final DeviceDmaParams NO_IOMMU = DeviceDmaParams.scatterGather();

    private static DeviceView view(Machine machine, DeviceFunction function) {
        return machine.closed(DeviceView.open(machine.core(), function));
    }

    private static byte[] readAt(DeviceView view, ProgrammedList list, long from, int length) {
        byte[] bytes = new byte[length];
        assertThat(view.readAt(list, from, MemorySegment.ofArray(bytes), 0, length)).isEqualTo(Outcome.RESOLVED);
        return bytes;
    }

    private static Outcome touch(DeviceView view, long address, int length, Access access) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[length]);
        return access == Access.READ
                ? view.readAt(address, bytes, 0, length)
                : view.writeAt(address, bytes, 0, length);
    }

    private static Finding only(Machine machine, Rule rule) {
        machine.mistaken(rule);
        Finding finding = machine.core().findings().errors().getFirst();
        machine.core().findings().clear();
        return finding;
    }

    /** Lists that are merged and cut in all ways a device can ask for; a driver that programs what it gets is right with each. */
    @Test
    @Tag("S36")
    @Tag("S11")
    void aDriverThatProgramsWhatItGetsIsRightHoweverListsAreCut() throws IOException {
        Random random = new Random(SEED);
        for (int round = 0; round < 200; round++) {
            try (Machine machine = Machine.modelled()) {
                int pages = 1 + random.nextInt(12);
                FileMapping ram = machine.file(16);
                List<Integer> order = new ArrayList<>();
                for (int page = 0; page < 16; page++) order.add(page);
                Collections.shuffle(order, random);
                int[] chosen = order.stream().limit(pages).mapToInt(Integer::intValue).toArray();
                byte[] expected = Machine.bytes(pages * PAGE, round);
                for (int page = 0; page < pages; page++) {
                    MemorySegment.copy(MemorySegment.ofArray(expected), (long) page * PAGE, ram.segment(),
                            (long) chosen[page] * PAGE, PAGE);
                }
                DeviceFunction device = machine.core().function("device", (random.nextBoolean() ? IOMMU : NO_IOMMU)
                        .withSegments(((1 + random.nextInt(5)) * 1024L) << random.nextInt(4), 1000)
                        .withBoundaryMask((PAGE << random.nextInt(4)) - 1));
                Attachment attachment = machine.guest("frame", ram, chosen).attach(device,
                        random.nextBoolean() ? Stream.COHERENT : Stream.NON_COHERENT);
                DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
                ProgrammedList list = ProgrammedList.of(mapping.segments());
                DeviceView view = view(machine, device);
                assertThat(readAt(view, list, 0, expected.length)).as("round %d of %d, %s", round, SEED, list)
                        .isEqualTo(expected);
                int from = random.nextInt(expected.length);
                byte[] drawn = Machine.bytes(1 + random.nextInt(expected.length - from), -round);
                assertThat(view.writeAt(list, from, MemorySegment.ofArray(drawn), 0, drawn.length))
                        .isEqualTo(Outcome.RESOLVED);
                System.arraycopy(drawn, 0, expected, from, drawn.length);
                assertThat(Machine.read(view, mapping, 0, expected.length)).as("round %d of %d", round, SEED)
                        .isEqualTo(expected);
                mapping.unmap();
                for (int page = 0; page < pages; page++) {
                    assertThat(MemorySegment.ofArray(expected).asSlice((long) page * PAGE, PAGE)
                            .mismatch(ram.segment().asSlice((long) chosen[page] * PAGE, PAGE))).isEqualTo(-1);
                }
                attachment.detach();
                machine.found();
            }
        }
    }

    /** A driver that takes each entry for a page: with an IOMMU there is one entry, and the device wants more than a page. */
    @Test
    @Tag("S36")
    @Tag("M2")
    void aDriverThatTakesEntriesForPagesProgramsTooLittle() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(8), 6, 2, 3);
            DeviceFunction merged = machine.core().function("merged", IOMMU);
            Attachment attachment = buffer.attach(merged, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            ProgrammedList list = new ProgrammedList();
            for (int i = 0; i < mapping.segments().count(); i++) list.add(mapping.segments().address(i), PAGE);
            DeviceView view = view(machine, merged);
            readAt(view, list, 0, PAGE);
            assertThat(view.readAt(list, PAGE - 8, MemorySegment.ofArray(new byte[16]), 0, 16))
                    .isEqualTo(Outcome.FAULT);
            assertThat(only(machine, Rule.DEVICE_OUTSIDE_MAPPING).what()).contains("behind the end of its list",
                    "1 entries");
            mapping.unmap();
            attachment.detach();
        }
    }

    /** A driver that takes the list for one piece, and the length of the buffer: right by chance behind an IOMMU. */
    @Test
    @Tag("S36")
    @Tag("M2")
    void aDriverThatTakesTheListForOnePieceReachesBehindIt() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(8), 6, 2, 3);
            DeviceFunction scattered = machine.core().function("scattered", NO_IOMMU);
            Attachment attachment = buffer.attach(scattered, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            DeviceView view = view(machine, scattered);
            assertThat(touch(view, mapping.segments().address(0), 3 * PAGE, Access.READ)).isEqualTo(Outcome.FAULT);
            Finding finding = only(machine, Rule.DEVICE_OUTSIDE_MAPPING);
            assertThat(finding.buffer()).isEqualTo("frame");
            assertThat(finding.what()).contains("by 0x2000 bytes");
            mapping.unmap();
            attachment.detach();
        }
    }

    /** A driver that is right only for one entry fails with random lists; one that programs the whole list does not. */
    @Test
    @Tag("S36")
    @Tag("M2")
    void listsThatAreCutByChanceShowADriverThatKnowsBetter() throws IOException {
        try (Machine machine = Machine.with(DmaCoreOptions.counting().withListCuts(SEED))) {
            int pages = 12;
            DmaBuf buffer = machine.own("frame", machine.pool(16, false), (long) pages * PAGE);
            DeviceFunction device = machine.core().function("device", IOMMU.withSegments(1 << 20, 12));
            DeviceView view = view(machine, device);
            Attachment attachment = buffer.attach(device, Stream.COHERENT);
            Set<Integer> counts = new HashSet<>();
            for (int round = 0; round < 50; round++) {
                DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
                SegmentList cut = mapping.segments();
                counts.add(cut.count());
                assertThat(cut.bytes()).isEqualTo((long) pages * PAGE);
                byte[] drawn = Machine.bytes(pages * PAGE, round);
                assertThat(view.writeAt(ProgrammedList.of(cut), 0, MemorySegment.ofArray(drawn), 0, drawn.length))
                        .isEqualTo(Outcome.RESOLVED);
                assertThat(Machine.read(view, mapping, 0, drawn.length)).isEqualTo(drawn);
                machine.found();
                ProgrammedList first = new ProgrammedList();
                first.add(cut.address(0), cut.length(0));
                assertThat(view.readAt(first, 0, MemorySegment.ofArray(drawn), 0, drawn.length))
                        .as("a driver that takes the list for one entry").isEqualTo(Outcome.FAULT);
                only(machine, Rule.DEVICE_OUTSIDE_MAPPING);
                mapping.unmap();
            }
            assertThat(counts).as("numbers of entries").hasSizeGreaterThan(3);
            attachment.detach();
            DeviceFunction one = machine.core().function("one", IOMMU.withSegments(1 << 20, 1));
            Attachment whole = buffer.attach(one, Stream.COHERENT);
            DeviceMapping mapping = whole.map(Direction.TO_DEVICE);
            assertThat(mapping.segments().count()).as("it takes no more").isEqualTo(1);
            mapping.unmap();
            whole.detach();
        }
    }

    /** 24 rows of padding too many, and the memory behind the buffer is mapped, too: real hardware would show it. */
    @Test
    @Tag("M36")
    @Tag("M18")
    void aLayoutThatIsLargerThanTheBufferIsNotShownFromItsNeighbour() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(4);
            for (DeviceDmaParams params : List.of(IOMMU, NO_IOMMU)) {
                DeviceFunction display = machine.core().function("display", params);
                Attachment frame = machine.guest("frame", ram, 0, 1).attach(display, Stream.NON_COHERENT);
                Attachment secret = machine.guest("secret", ram, 2, 3).attach(display, Stream.NON_COHERENT);
                DeviceMapping shown = frame.map(Direction.TO_DEVICE);
                DeviceMapping other = secret.map(Direction.TO_DEVICE);
                assertThat(other.segments().address(0)).as("neighbours")
                        .isEqualTo(shown.segments().address(0) + 2 * PAGE);
                DeviceView view = view(machine, display);
                assertThat(touch(view, shown.segments().address(0), 2 * PAGE, Access.READ))
                        .isEqualTo(Outcome.RESOLVED);
                assertThat(touch(view, shown.segments().address(0), 2 * PAGE + 1, Access.READ))
                        .isEqualTo(Outcome.FAULT);
                Finding finding = only(machine, Rule.DEVICE_OUTSIDE_MAPPING);
                assertThat(finding.buffer()).isEqualTo("frame");
                assertThat(finding.from()).isEqualTo(2 * PAGE);
                assertThat(finding.what()).contains("by 0x1 bytes, into secret");
                other.unmap();
                assertThat(touch(view, shown.segments().address(0) + 2 * PAGE + 16, 8, Access.READ))
                        .isEqualTo(Outcome.FAULT);
                assertThat(only(machine, Rule.DEVICE_AFTER_UNMAP).buffer()).isEqualTo("secret");
                shown.unmap();
                frame.detach();
                secret.detach();
            }
        }
    }

    @Test
    @Tag("S35")
    @Tag("M16")
    void aListThatIsStaleFaultsAndSaysWhatItLedTo() throws IOException {
        try (Machine machine = Machine.counting()) {
            for (DeviceDmaParams params : List.of(IOMMU, NO_IOMMU)) {
                DmaBuf buffer = machine.own("frame", machine.pool(8, false), 2 * PAGE);
                DeviceFunction gpu = machine.core().function("gpu", params);
                DeviceView view = view(machine, gpu);
                List<DeviceMapping> live = new ArrayList<>();
                Attachment attachment = buffer.attachDynamic(gpu, Stream.COHERENT, _ -> {
                    try {
                        live.removeFirst().unmap();
                    } catch (DmaBufException e) {
                        throw new AssertionError(e);
                    }
                });
                live.add(attachment.map(Direction.BIDIRECTIONAL));
                ProgrammedList list = ProgrammedList.of(live.getFirst().segments());
                readAt(view, list, 0, 2 * PAGE);
                buffer.move();
                assertThat(view.writeAt(list, PAGE + 8, MemorySegment.ofArray(new byte[8]), 0, 8))
                        .isEqualTo(Outcome.FAULT);
                Finding stale = only(machine, Rule.DEVICE_AFTER_UNMAP);
                assertThat(stale.buffer()).isEqualTo("frame");
                assertThat(stale.from()).isEqualTo(PAGE + 8);
                assertThat(stale.what()).contains("was unmapped");

                live.add(attachment.map(Direction.BIDIRECTIONAL));
                readAt(view, ProgrammedList.of(live.getFirst().segments()), 0, 2 * PAGE);
                buffer.revoke();
                assertThat(touch(view, live.getFirst().segments().address(0), 8, Access.READ)).isEqualTo(Outcome.FAULT);
                assertThat(only(machine, Rule.DEVICE_AFTER_UNMAP).what()).contains("taken away");
                live.getFirst().unmap();
                attachment.detach();
                machine.found();
            }
        }
    }

    @Test
    @Tag("M5")
    @Tag("S11")
    void aListOfAnotherDeviceFaultsAndNamesIt() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping ram = machine.file(8);
            for (DeviceDmaParams params : List.of(IOMMU, NO_IOMMU)) {
                DeviceFunction gpu = machine.core().function("gpu", params);
                DeviceFunction display = machine.core().function("display", params);
                Attachment own = machine.guest("texture", ram, 0).attach(gpu, Stream.COHERENT);
                Attachment others = machine.guest("frame", ram, 6, 3).attach(display, Stream.COHERENT);
                DeviceMapping texture = own.map(Direction.TO_DEVICE);
                DeviceMapping frame = others.map(Direction.TO_DEVICE);
                DeviceView view = view(machine, gpu);
                ProgrammedList foreign = ProgrammedList.of(frame.segments());
                assertThat(view.readAt(foreign, PAGE, MemorySegment.ofArray(new byte[8]), 0, 8))
                        .isEqualTo(Outcome.FAULT);
                Finding finding = only(machine, Rule.DEVICE_FOREIGN_ADDRESS);
                assertThat(finding.device()).isEqualTo("gpu");
                assertThat(finding.buffer()).isEqualTo("frame");
                assertThat(finding.from()).isEqualTo(PAGE);
                assertThat(finding.what()).contains("mapped for display");
                readAt(view, ProgrammedList.of(texture.segments()), 0, PAGE);
                frame.unmap();
                texture.unmap();
                own.detach();
                others.detach();
                machine.found();
            }
        }
    }

    /** What drivers get wrong is any 64 bits. */
    @Test
    @Tag("M20")
    void whateverIsProgrammedFaultsAndHarmsNothing() throws IOException {
        try (Machine machine = Machine.modelled()) {
            Random random = new Random(SEED);
            FileMapping ram = machine.file(8);
            for (DeviceDmaParams params : List.of(IOMMU, NO_IOMMU)) {
                DeviceFunction device = machine.core().function("device", params);
                Attachment attachment = machine.guest("frame", ram, 1, 2).attach(device, Stream.COHERENT);
                DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
                long address = mapping.segments().address(0);
                DeviceView view = view(machine, device);
                long[][] wrong = { { 0, 8 }, { -1, 8 }, { -8, 16 }, { Long.MIN_VALUE, 8 }, { Long.MAX_VALUE, 8 },
                        { address, -1 }, { address, Long.MIN_VALUE }, { address + 2 * PAGE, 8 },
                        { address + 2 * PAGE - 1, 8 }, { address - 1, 8 }, { address + (1L << 52), 8 } };
                for (long[] entry : wrong) {
                    ProgrammedList list = new ProgrammedList();
                    list.add(entry[0], entry[1]);
                    int length = entry[1] < 0 ? 3 * PAGE : 8;
                    assertThat(view.writeAt(list, 0, MemorySegment.ofArray(new byte[length]), 0, length))
                            .as("0x%x bytes at 0x%x", entry[1], entry[0]).isEqualTo(Outcome.FAULT);
                    try (var _ = view.enter()) {
                        Runs runs = new Runs();
                        runs.add(ram, 0, 8);
                        assertThat(view.findAt(entry[0], entry[1], Access.WRITE, runs)).isEqualTo(Outcome.FAULT);
                        assertThat(runs.count()).isZero();
                    }
                }
                ProgrammedList list = new ProgrammedList();
                for (int i = 0; i < 2000; i++) {
                    list.clear();
                    for (int entry = random.nextInt(4); entry >= 0; entry--) {
                        list.add(random.nextBoolean() ? random.nextLong() : address + random.nextInt(3 * PAGE),
                                random.nextBoolean() ? random.nextInt(PAGE) : random.nextLong());
                    }
                    view.readAt(list, random.nextInt(PAGE), MemorySegment.ofArray(new byte[64]), 0,
                            random.nextInt(64));
                }
                assertThat(machine.core().findings().errors()).extracting(Finding::rule)
                        .containsOnly(Rule.DEVICE_OUTSIDE_MAPPING);
                machine.core().findings().clear();
                mapping.unmap();
                attachment.detach();
            }
            assertThat(Machine.load(ram, 0, 8 * PAGE)).as("no byte was written").containsOnly(0);
        }
    }

    /** An address leads to what the device sees, and it is judged whose turn it is: old bytes, and a finding. */
    @Test
    @Tag("S41")
    @Tag("S45")
    void ownershipAndDirectionAreThoseOfTheMappingThere() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(4);
            DeviceFunction display = machine.device("display");
            Attachment attachment = machine.guest("frame", ram, 3, 1).attach(display, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            ProgrammedList list = ProgrammedList.of(mapping.segments());
            DeviceView view = view(machine, display);
            readAt(view, list, 0, 2 * PAGE);
            machine.found();
            mapping.syncForCpu();
            Machine.store(ram, PAGE + 64, Machine.bytes(64, 1));
            assertThat(readAt(view, list, PAGE + 64, 64)).as("not transferred").containsOnly(0);
            assertThat(only(machine, Rule.MISSING_SYNC_FOR_DEVICE).from()).isEqualTo(PAGE + 64);
            mapping.syncForDevice();
            assertThat(readAt(view, list, PAGE + 64, 64)).isEqualTo(Machine.bytes(64, 1));
            assertThat(touch(view, list.address(0), 8, Access.WRITE)).isEqualTo(Outcome.FAULT);
            only(machine, Rule.DEVICE_AGAINST_DIRECTION);
            assertThat(view.fault()).as("the table refused it, too").isNotNull();
            mapping.unmap();
            attachment.detach();
        }
    }

    /** One page, which one engine of a device reads and another writes; without an IOMMU both have the same address. */
    @Test
    void ofTwoMappingsAtOneAddressTheOneIsMeantThatAllowsIt() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(2), 1);
            DeviceFunction device = machine.core().function("device", NO_IOMMU);
            Attachment reading = buffer.attach(device, Stream.COHERENT);
            Attachment writing = buffer.attach(device, Stream.COHERENT);
            DeviceMapping read = reading.map(Direction.TO_DEVICE);
            DeviceMapping written = writing.map(Direction.FROM_DEVICE);
            long address = read.segments().address(0);
            assertThat(written.segments().address(0)).isEqualTo(address);
            DeviceView view = view(machine, device);
            for (int i = 0; i < 3; i++) {
                assertThat(touch(view, address, PAGE, Access.READ)).isEqualTo(Outcome.RESOLVED);
                assertThat(touch(view, address, PAGE, Access.WRITE)).isEqualTo(Outcome.RESOLVED);
            }
            read.unmap();
            assertThat(touch(view, address, PAGE, Access.WRITE)).isEqualTo(Outcome.RESOLVED);
            written.unmap();
            reading.detach();
            writing.detach();
            machine.found();
            assertThat(machine.core().findings().times(Rule.NEVER_WRITTEN)).as("all of it was written").isZero();
        }
    }

    /** Rings are not buffers, and always belong to the device. */
    @Test
    void whatIsMappedInTheTableAndNoBufferIsReachedWithoutAFinding() throws IOException, MapException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(2);
            DeviceFunction device = machine.device("device");
            Runs ring = new Runs();
            ring.add(ram, PAGE, PAGE);
            Segments segments = device.space().map(ring, Permission.READ_WRITE, new Owner(1, "ring"));
            DeviceView view = view(machine, device);
            byte[] descriptor = Machine.bytes(16, 1);
            assertThat(view.writeAt(segments.address(0) + 32, MemorySegment.ofArray(descriptor), 0, 16))
                    .isEqualTo(Outcome.RESOLVED);
            assertThat(Machine.load(ram, PAGE + 32, 16)).isEqualTo(descriptor);
            machine.found();
            device.space().unmap(segments);
            assertThat(touch(view, segments.address(0), 8, Access.READ)).isEqualTo(Outcome.FAULT);
            assertThat(only(machine, Rule.DEVICE_OUTSIDE_MAPPING).what()).contains("where nothing is mapped");
            DeviceView without = machine.view(device);
            try (var _ = without.enter()) {
                assertThatThrownBy(() -> without.findAt(0, 8, Access.READ, new Runs()))
                        .isInstanceOf(IllegalStateException.class).hasMessageContaining("open its view with its core");
            }
        }
    }

    /** A stride of 2^31 and 2^33 rows: the product has 65 bits, and is not 0. */
    @Test
    @Tag("M19")
    void aRectangleOfMoreThanAllBytesIsOutside() throws IOException {
        try (Machine machine = Machine.counting()) {
            DeviceFunction display = machine.device("display");
            Attachment attachment = machine.guest("frame", machine.file(1), 0).attach(display, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            DeviceView view = machine.view(display);
            try (var _ = view.enter()) {
                Runs runs = new Runs();
                assertThat(view.find(mapping, new Rows().set(0, 64, 1L << 31, (1L << 33) + 1), Access.READ, runs))
                        .isEqualTo(Outcome.FAULT);
                assertThat(view.find(mapping, new Rows().set(0, 64, 1L << 32, (1L << 32) + 1), Access.READ, runs))
                        .isEqualTo(Outcome.FAULT);
                assertThat(view.find(mapping, new Rows().set(0, 64, 128, 32), Access.READ, runs))
                        .isEqualTo(Outcome.RESOLVED);
            }
            mapping.unmap();
            attachment.detach();
            machine.found(Rule.DEVICE_OUTSIDE_MAPPING, Rule.DEVICE_OUTSIDE_MAPPING);
        }
    }
}
