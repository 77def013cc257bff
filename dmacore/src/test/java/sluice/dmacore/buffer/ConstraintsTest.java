package sluice.dmacore.buffer;

import java.io.IOException;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.DeviceMemory;
import sluice.dmacore.exporter.MemoryPool;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** Devices' constraints on memory, and when a violation is refused. */
class ConstraintsTest {
    @Test
    @Tag("S15")
    @Tag("S18")
    void theSameDeviceTakesScatteredPagesWithAnIommuAndNotWithoutOne() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping ram = machine.file(8);
            DmaBuf scattered = machine.guest("scattered", ram, 5, 2, 7);
            DeviceDmaParams contiguous = DeviceDmaParams.physicallyContiguous();
            DeviceFunction without = machine.core().function("without", contiguous);
            DeviceFunction with = machine.core().function("with", contiguous.withTranslated(true));
            refused(Errno.EBUSY, () -> scattered.attach(without, Stream.COHERENT),
                    "3 segments", "contiguous memory");
            Attachment attachment = scattered.attach(with, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            assertThat(mapping.segments().count()).isEqualTo(1);
            assertThat(mapping.segments().bytes()).isEqualTo(3 * PAGE);
            mapping.unmap();
            attachment.detach();
        }
    }

    @Test
    @Tag("S13")
    void aListThatCanNeverBeLongEnoughIsRefusedAtAttach() throws IOException {
        try (Machine machine = Machine.counting()) {
            MemoryPool pool = machine.pool(16, true);
            DmaBuf buffer = machine.own("frame", pool, 16 * PAGE);
            DeviceFunction small = machine.core().function("small",
                    DeviceDmaParams.throughIommu().withSegments(PAGE, 15));
            refused(Errno.EINVAL, () -> buffer.attach(small, Stream.COHERENT), "65536 bytes", "61440");
            DeviceFunction enough = machine.core().function("enough",
                    DeviceDmaParams.throughIommu().withSegments(PAGE, 16));
            Attachment attachment = buffer.attach(enough, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            assertThat(mapping.segments().count()).isEqualTo(16);
            mapping.unmap();
            attachment.detach();
        }
    }

    /** The kernel cuts at whole pages: 12 KiB are three pieces of a device that takes two of 6 KiB, wherever they lie. */
    @Test
    @Tag("S13")
    void whatIsCutAtWholePagesAndBoundariesMayNeverFitEither() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf three = machine.guest("three", machine.file(4), 0, 1, 2);
            DmaBuf two = machine.guest("two", machine.file(4), 2, 0);
            for (DeviceDmaParams kind : List.of(DeviceDmaParams.throughIommu(), DeviceDmaParams.scatterGather())) {
                DeviceFunction six = machine.core().function("six", kind.withSegments(6144, 2));
                refused(Errno.EINVAL, () -> three.attach(six, Stream.COHERENT),
                        "12288 bytes, but the device accepts at most 8192");
                Attachment attachment = two.attach(six, Stream.COHERENT);
                attachment.map(Direction.TO_DEVICE).unmap();
                attachment.detach();
                DeviceFunction bounded = machine.core().function("bounded",
                        kind.withSegments(1 << 20, 2).withBoundaryMask(PAGE - 1));
                refused(Errno.EINVAL, () -> three.attach(bounded, Stream.COHERENT), "8192");
                DeviceFunction one = machine.core().function("one", kind.withContiguous(true).withSegments(6144, 1));
                refused(Errno.EINVAL, () -> two.attach(one, Stream.COHERENT),
                        "8192 bytes, but the device accepts at most 4096");
            }
        }
    }

    /** A device that takes two pieces of 64 KiB, none across 64 KiB, and 96 KiB for it in a pool whose first pages are taken. */
    @Test
    @Tag("S19")
    @Tag("D16")
    void memoryIsAllocatedWhereABoundaryCutsItSeldomEnough() throws IOException {
        try (Machine machine = Machine.counting()) {
            MemoryPool pool = machine.pool(256, true);
            Attachment first = machine.own("first", pool, 15 * PAGE).attach(machine.core().function("contiguous",
                    DeviceDmaParams.physicallyContiguous()), Stream.COHERENT);
            first.getSegments();
            DeviceDmaParams ide = DeviceDmaParams.scatterGather().withSegments(64 << 10, 2).withBoundaryMask(0xffff);
            Attachment attachment = machine.own("second", pool, 96 << 10).attach(machine.core().function("ide", ide),
                    Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            assertThat(mapping.segments().count()).isEqualTo(2);
            assertThat(mapping.segments().address(0) & 0xffff).isZero();
            mapping.unmap();
            attachment.detach();
            first.putSegments();
            first.detach();
            machine.found();
        }
    }

    /** The same device behind an IOMMU, whose addresses can begin at the boundary. */
    @Test
    @Tag("D16")
    void addressesArePlacedWhereABoundaryCutsThemSeldomEnough() throws IOException {
        try (Machine machine = Machine.counting()) {
            DeviceFunction ide = machine.core().function("ide",
                    DeviceDmaParams.throughIommu().withSegments(64 << 10, 2).withBoundaryMask(0xffff));
            Attachment page = machine.guest("page", machine.file(1), 0).attach(ide, Stream.COHERENT);
            DeviceMapping before = page.map(Direction.TO_DEVICE);
            Attachment attachment = machine.own("frame", machine.pool(32, true), 32 * PAGE).attach(ide,
                    Stream.COHERENT);
            assertThat(attachment.testMap()).isEqualTo(Verdict.FITS);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            assertThat(mapping.segments().count()).isEqualTo(2);
            mapping.unmap();
            before.unmap();
            attachment.detach();
            page.detach();
        }
    }

    /** Pieces of several places without room for all: two of 48 KiB between used pages. */
    @Test
    @Tag("S19")
    void fewLongPiecesAreTakenWhereThereIsNoSingleOne() throws IOException {
        try (Machine machine = Machine.counting()) {
            MemoryPool pool = machine.pool(40, true);
            DeviceFunction contiguous = machine.core().function("contiguous", DeviceDmaParams.physicallyContiguous());
            Attachment[] holes = new Attachment[3];
            for (int i = 0; i < holes.length; i++) {
                holes[i] = machine.core().export("hole " + i, 12 * PAGE, pool).attach(contiguous, Stream.COHERENT);
                holes[i].getSegments();
            }
            for (int i : new int[]{ 0, 2 }) {
                holes[i].detach();
                holes[i].buffer().release();
            }
            refused(Errno.ENOMEM, () -> machine.own("one", pool, 24 * PAGE).attach(contiguous, Stream.COHERENT)
                    .getSegments(), "no 24 pages in one piece");
            DeviceFunction two = machine.core().function("two",
                    DeviceDmaParams.scatterGather().withSegments(64 << 10, 2));
            Attachment attachment = machine.own("frame", pool, 24 * PAGE).attach(two, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            assertThat(mapping.segments().count()).isEqualTo(2);
            mapping.unmap();
            attachment.detach();
            holes[1].detach();
            holes[1].buffer().release();
        }
    }

    @Test
    @Tag("S14")
    void memoryThatIsThereAlreadyIsTheReasonForEbusy() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping ram = machine.file(8);
            DmaBuf scattered = machine.guest("scattered", ram, 5, 2, 7);
            DeviceFunction two = machine.core().function("two",
                    DeviceDmaParams.scatterGather().withSegments(1 << 20, 2));
            Verdict verdict = scattered.wouldAttach(two);
            assertThat(verdict.errno()).isEqualTo(Errno.EBUSY);
            assertThat(verdict.problems()).singleElement()
                    .isEqualTo(new Verdict.Problem(-1, Verdict.Limit.SEGMENT_COUNT, 3, 2, false, true));
        }
    }

    @Test
    @Tag("S13")
    void theExporterHasTheLastWord() throws IOException {
        try (Machine machine = Machine.counting()) {
            MemoryPool pool = machine.pool(16, false);
            DmaBuf picky = machine.released(machine.core().export("picky", PAGE, new OverridingExporter(pool,
                    new Verdict(List.of(new Verdict.Problem(-1, Verdict.Limit.EXPORTER, 0, 0, false, false))))));
            DeviceFunction device = machine.device("device");
            refused(Errno.EBUSY, () -> picky.attach(device, Stream.COHERENT), "the exporter refuses it");
            DmaBuf telling = machine.released(machine.core().export("telling", PAGE, new OverridingExporter(pool,
                    Verdict.FITS.with(Verdict.Problem.ofExporter(true, "it is protected content")))));
            refused(Errno.EINVAL, () -> telling.attach(device, Stream.COHERENT),
                    "device cannot attach: the exporter refuses it: it is protected content");
        }
    }

    @Test
    @Tag("S13")
    void whatTheExporterAllowsCanBeMapped() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf lax = machine.released(machine.core().export("lax", 3 * PAGE, new OverridingExporter(
                    new BracketedPages(Machine.runs(machine.file(8), 5, 2, 7)), Verdict.FITS)));
            DeviceFunction two = machine.core().function("two",
                    DeviceDmaParams.scatterGather().withSegments(1 << 20, 2));
            Attachment attachment = lax.attach(two, Stream.COHERENT);
            assertThat(attachment.testMap()).isEqualTo(Verdict.FITS);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            assertThat(mapping.segments().count()).isEqualTo(3);
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }

    @Test
    @Tag("D15")
    @Tag("D16")
    void segmentsAreAsLongAsTheDeviceTakesAndCrossNoBoundary() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping ram = machine.file(64);
            int[] pages = new int[40];
            for (int i = 0; i < pages.length; i++) pages[i] = 63 - i;
            DmaBuf buffer = machine.guest("frame", ram, pages);
            DeviceFunction device = machine.core().function("device", DeviceDmaParams.throughIommu()
                    .withSegments(5 * PAGE, 1000).withBoundaryMask(16 * PAGE - 1));
            Attachment attachment = buffer.attach(device, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            SegmentList list = mapping.segments();
            long sum = 0;
            for (int i = 0; i < list.count(); i++) {
                assertThat(list.length(i)).isBetween(1L, 5L * PAGE);
                assertThat(list.address(i) / (16 * PAGE))
                        .isEqualTo((list.address(i) + list.length(i) - 1) / (16 * PAGE));
                sum += list.length(i);
            }
            assertThat(sum).isEqualTo(40 * PAGE);
            mapping.unmap();
            attachment.detach();
        }
    }

    @Test
    @Tag("S16")
    @Tag("S17")
    void eachFunctionOfADeviceHasItsOwnParametersAndAddresses() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.own("frame", machine.pool(16, true), 4 * PAGE);
            DeviceFunction scanOut = machine.core().function("display/scan-out",
                    DeviceDmaParams.physicallyContiguous());
            DeviceFunction overlay = machine.core().function("display/overlay", DeviceDmaParams.throughIommu());
            Attachment first = buffer.attach(scanOut, Stream.NON_COHERENT);
            Attachment second = buffer.attach(overlay, Stream.COHERENT);
            DeviceMapping one = first.map(Direction.TO_DEVICE);
            DeviceMapping two = second.map(Direction.TO_DEVICE);
            assertThat(one.segments().address(0)).isNotEqualTo(two.segments().address(0));
            assertThat(one.segments().count()).isEqualTo(1);
            one.unmap();
            two.unmap();
            first.detach();
            second.detach();
        }
    }

    @Test
    @Tag("M6")
    @Tag("S37")
    @Tag("M15")
    void onlyACopyWouldDoAndNobodyAllowedIt() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(8);
            DmaBuf scattered = machine.guest("scattered", ram, 5, 2, 7);
            DeviceFunction old = machine.core().function("old",
                    DeviceDmaParams.scatterGather().withSegments(1 << 20, 2));
            DeviceView view = machine.view(old);
            Attachment attachment = scattered.attachBouncing(old, Stream.COHERENT);
            assertThat(attachment.testMap().fits()).isFalse();
            refused(Errno.EIO, () -> attachment.map(Direction.BIDIRECTIONAL), "without a copy", "3 segments");
            assertThat(machine.core().bouncedBytes()).isZero();

            Machine.store(ram, 5 * PAGE, Machine.bytes(PAGE, 1));
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL, EnumSet.of(DmaAttribute.ALLOW_BOUNCE));
            assertThat(mapping.segments().count()).isEqualTo(1);
            assertThat(Machine.read(view, mapping, 0, PAGE)).isEqualTo(Machine.bytes(PAGE, 1));
            Machine.write(view, mapping, 2 * PAGE, Machine.bytes(PAGE, 2));
            mapping.syncForCpu();
            assertThat(Machine.load(ram, 7 * PAGE, PAGE)).isEqualTo(Machine.bytes(PAGE, 2));
            mapping.syncForDevice();
            mapping.unmap();
            assertThat(machine.core().bouncedBytes()).isEqualTo(4 * 3 * PAGE);
            assertThat(machine.core().findings().times(Rule.BOUNCED)).isEqualTo(1);
            assertThat(machine.caches().cacheBytes()).as("a bounce is no cache").isZero();
            attachment.detach();
            machine.found(Rule.BOUNCED);
        }
    }

    @Test
    @Tag("S37")
    void bounceMemoryIsLimited() throws IOException {
        try (Machine machine = Machine.with(DmaCoreOptions.counting().withBounceBytes(4 * PAGE))) {
            FileMapping ram = machine.file(8);
            DeviceFunction old = machine.core().function("old",
                    DeviceDmaParams.scatterGather().withSegments(1 << 20, 1));
            Attachment first = machine.guest("first", ram, 5, 2, 7).attachBouncing(old, Stream.COHERENT);
            Attachment second = machine.guest("second", ram, 1, 3).attachBouncing(old, Stream.COHERENT);
            DeviceMapping mapping = first.map(Direction.TO_DEVICE, EnumSet.of(DmaAttribute.ALLOW_BOUNCE));
            refused(Errno.EIO, () -> second.map(Direction.TO_DEVICE, EnumSet.of(DmaAttribute.ALLOW_BOUNCE)),
                    "bounce memory is full", "16384");
            mapping.unmap();
            DeviceMapping other = second.map(Direction.TO_DEVICE, EnumSet.of(DmaAttribute.ALLOW_BOUNCE));
            other.unmap();
            first.detach();
            second.detach();
        }
    }

    /** Memory for a copy has to suit the device as any: below its mask, and in no more pieces than it takes. */
    @Test
    @Tag("M15")
    @Tag("S37")
    void aCopyThatDoesNotSuitTheDeviceEitherIsRefusedWithTheReason() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(16);
            DmaBuf high = machine.guest("high", ram, 12, 13);
            DeviceFunction low = machine.core().function("low",
                    DeviceDmaParams.scatterGather().withDmaMask(8 * PAGE - 1));
            Attachment attachment = high.attachBouncing(low, Stream.COHERENT);
            refused(Errno.EIO, () -> attachment.map(Direction.TO_DEVICE, EnumSet.of(DmaAttribute.ALLOW_BOUNCE)),
                    "as a copy either", "but the device's DMA mask is 0x7fff");
            assertThat(low.liveMappings()).isZero();
            assertThat(machine.core().bouncedBytes()).isZero();
            attachment.detach();
            // Its mask is that of the second file, which is where the copy is.
            DeviceFunction reaching = machine.core().function("reaching", DeviceDmaParams.physicallyContiguous()
                    .withDmaMask((1L << 42) - 1));
            DmaBuf scattered = machine.guest("scattered", ram, 3, 1);
            Attachment fits = scattered.attachBouncing(reaching, Stream.COHERENT);
            fits.map(Direction.TO_DEVICE, EnumSet.of(DmaAttribute.ALLOW_BOUNCE)).unmap();
            fits.detach();
        }
    }

    @Test
    @Tag("S8")
    void memoryWithoutPagesPassesBetweenPeersAndNotThroughTheCpu() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping vram = machine.file(8);
            DmaBuf buffer = machine.released(machine.core().export("vram", 2 * PAGE,
                    new DeviceMemory(vram, 4 * PAGE)));
            refused(Errno.EOPNOTSUPP, () -> buffer.attach(machine.device("nic"), Stream.COHERENT),
                    "does not support peer to peer");
            DeviceFunction peer = machine.core().function("peer", DeviceDmaParams.throughIommu().withPeerToPeer(true));
            DeviceView view = machine.view(peer);
            Attachment attachment = buffer.attach(peer, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL, EnumSet.of(DmaAttribute.MMIO));
            Machine.write(view, mapping, 100, Machine.bytes(50, 1));
            assertThat(Machine.load(vram, 4 * PAGE + 100, 50)).isEqualTo(Machine.bytes(50, 1));
            try (Opener cpu = buffer.open("cpu")) {
                refused(Errno.EOPNOTSUPP, () -> cpu.begin(Direction.FROM_DEVICE), "without pages");
            }
            mapping.unmap(Direction.BIDIRECTIONAL, EnumSet.of(DmaAttribute.MMIO));
            attachment.detach();
            machine.found();
        }
    }

    @Test
    @Tag("D14")
    @Tag("M34")
    void memoryMappedAsRegistersIsFound() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            Attachment attachment = buffer.attach(machine.device("device"), Stream.COHERENT);
            attachment.map(Direction.TO_DEVICE, EnumSet.of(DmaAttribute.MMIO)).unmap(Direction.TO_DEVICE,
                    EnumSet.of(DmaAttribute.MMIO));
            attachment.detach();
            machine.found(Rule.D14_MMIO_OF_RAM);
        }
    }

    @Test
    @Tag("D9")
    @Tag("M8")
    void anotherAttributeAtUnmapIsFound() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            Attachment attachment = buffer.attach(machine.device("device"), Stream.COHERENT);
            attachment.map(Direction.TO_DEVICE).unmap(Direction.TO_DEVICE, EnumSet.of(DmaAttribute.REQUIRE_COHERENT));
            machine.found(Rule.D9_UNMAP_ATTRIBUTES);
            attachment.map(Direction.TO_DEVICE, EnumSet.of(DmaAttribute.REQUIRE_COHERENT)).unmap(Direction.TO_DEVICE,
                    EnumSet.noneOf(DmaAttribute.class));
            assertThat(machine.core().findings().times(Rule.D9_UNMAP_ATTRIBUTES)).isEqualTo(2);
            attachment.detach();
        }
    }

    /** A network driver that has synced what came, and lets the page go without a second look. */
    @Test
    @Tag("D9")
    void cachesMayBeLeftAloneByTheMapOrTheUnmapOrBoth() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(1);
            DeviceFunction nic = machine.device("nic");
            DeviceView view = machine.view(nic);
            Attachment attachment = machine.guest("page", ram, 0).attach(nic, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.FROM_DEVICE);
            Machine.write(view, mapping, 0, Machine.bytes(PAGE, 1));
            mapping.syncForCpu(0, 1024, Direction.FROM_DEVICE);
            mapping.unmap(Direction.FROM_DEVICE, EnumSet.of(DmaAttribute.SKIP_CPU_SYNC));
            assertThat(Machine.load(ram, 0, 1024)).isEqualTo(Arrays.copyOf(Machine.bytes(PAGE, 1), 1024));
            assertThat(Machine.load(ram, 1024, PAGE - 1024)).as("left alone").containsOnly(0);

            DeviceMapping other = attachment.map(Direction.FROM_DEVICE, EnumSet.of(DmaAttribute.SKIP_CPU_SYNC));
            other.syncForDevice();
            Machine.write(view, other, 0, Machine.bytes(PAGE, 2));
            other.unmap(Direction.FROM_DEVICE, EnumSet.noneOf(DmaAttribute.class));
            assertThat(Machine.load(ram, 0, PAGE)).isEqualTo(Machine.bytes(PAGE, 2));
            attachment.detach();
            assertThat(machine.core().findings().times(Rule.D9_UNMAP_ATTRIBUTES)).isZero();
        }
    }

    @Test
    @Tag("D11")
    void readOnlyMemoryIsNotMappedToBeWritten() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.released(machine.core().export("rom", PAGE, new ReadOnlyExporter(machine.file(1))));
            Attachment attachment = buffer.attach(machine.device("device"), Stream.COHERENT);
            refused(Errno.EACCES, () -> attachment.map(Direction.FROM_DEVICE), "read-only");
            attachment.map(Direction.TO_DEVICE).unmap();
            attachment.detach();
            machine.found(Rule.D11_READ_ONLY_MEMORY);
        }
    }

    @Test
    void coherenceCanBeRequired() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            Attachment attachment = buffer.attach(machine.device("device"), Stream.NON_COHERENT);
            refused(Errno.EOPNOTSUPP,
                    () -> attachment.map(Direction.TO_DEVICE, EnumSet.of(DmaAttribute.REQUIRE_COHERENT)),
                    "does not snoop");
            attachment.detach();
        }
    }

    @Test
    @Tag("M6")
    void aDeviceThatCannotReachTheMemoryIsTold() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping first = machine.file(1);
            FileMapping ram = machine.file(2);
            DmaBuf low = machine.guest("low", first, 0);
            DmaBuf high = machine.guest("high", ram, 1);
            DeviceFunction old = machine.core().function("old",
                    DeviceDmaParams.scatterGather().withDmaMask((1L << 32) - 1));
            assertThat(low.wouldAttach(old).fits()).as("the first file is low").isTrue();
            Verdict verdict = high.wouldAttach(old);
            assertThat(verdict.problems()).singleElement().satisfies(
                    problem -> assertThat(problem.rule()).isEqualTo(Verdict.Limit.DMA_MASK));
            refused(Errno.EIO, () -> high.attachBouncing(old, Stream.COHERENT).map(Direction.TO_DEVICE),
                    "DMA mask is 0xffffffff");
            high.attachments().forEach(Attachment::detach);
        }
    }
}
