package sluice.dmacore.buffer;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** Accesses of the CPU: their ranges, directions, balance, windows and views. */
class CpuAccessTest {
    private static final byte[] EIGHT = { 1, 2, 3, 4, 5, 6, 7, 8 };

    @Test
    @Tag("S24")
    @Tag("S26")
    @Tag("M9")
    void anAccessInTheDevicesTimeBorrowsItsRange() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.guest("frame", machine.file(2), 1, 0);
            DeviceFunction device = machine.device("device");
            DeviceView view = machine.view(device);
            Attachment attachment = buffer.attach(device, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            Machine.write(view, mapping, 0, EIGHT);
            byte[] seen = new byte[8];
            try (Opener cpu = buffer.open("cpu"); CpuAccess access = cpu.begin(0, 64, Direction.BIDIRECTIONAL)) {
                access.read(0, seen, 0, 8);
                assertThat(seen).isEqualTo(EIGHT);
                access.write(8, EIGHT, 0, 8);
            }
            assertThat(Machine.read(view, mapping, 8, 8)).isEqualTo(EIGHT);
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }

    @Test
    @Tag("S25")
    @Tag("S29")
    void outsideOfTheRangeBytesMayBeStaleAndThatIsFound() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.guest("frame", machine.file(2), 1, 0);
            DeviceFunction device = machine.device("device");
            DeviceView view = machine.view(device);
            Attachment attachment = buffer.attach(device, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            Machine.write(view, mapping, 0, Machine.bytes(256, 1));
            try (Opener cpu = buffer.open("cpu"); CpuAccess access = cpu.begin(70, 20, Direction.FROM_DEVICE)) {
                byte[] seen = new byte[1];
                access.read(89, seen, 0, 1);
                assertThat(seen[0]).isEqualTo(Machine.bytes(256, 1)[89]);
                machine.found();
                for (int beside : new int[]{ 69, 90 }) {
                    access.read(beside, seen, 0, 1);
                    assertThat(seen[0]).as("its line was fetched all the same")
                            .isEqualTo(Machine.bytes(256, 1)[beside]);
                }
                access.read(200, seen, 0, 1);
                assertThat(seen[0]).as("stale").isZero();
                access.write(70, seen, 0, 1);
            }
            mapping.unmap();
            attachment.detach();
            assertThat(machine.core().findings().times(Rule.CPU_ACCESS_OUTSIDE_BRACKET)).isEqualTo(4);
        }
    }

    @Test
    @Tag("S26")
    @Tag("M10")
    void beginsAndEndsAreBalancedForEachOpener() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            Opener one = buffer.open("one");
            Opener two = buffer.open("two");
            CpuAccess access = one.begin(0, 64, Direction.FROM_DEVICE);
            refused(Errno.EINVAL, () -> two.end(0, 64, Direction.FROM_DEVICE), "two ends an access");
            refused(Errno.EINVAL, () -> one.end(0, 64, Direction.TO_DEVICE), "TO_DEVICE");
            refused(Errno.EINVAL, () -> one.end(0, 128, Direction.FROM_DEVICE));
            one.end(0, 64, Direction.FROM_DEVICE);
            refused(Errno.EINVAL, access::end, "twice");
            access.close();
            CpuAccess forgotten = two.begin(Direction.FROM_DEVICE);
            two.close();
            refused(Errno.EINVAL, forgotten::end, "twice");
            one.close();
            assertThat(machine.core().findings().times(Rule.UNBALANCED_CPU_ACCESS)).isEqualTo(6);
        }
    }

    @Test
    void rangesOutsideOfTheBufferAreRefused() throws IOException {
        try (Machine machine = Machine.counting();
                Opener cpu = machine.guest("frame", machine.file(1), 0).open("cpu")) {
            refused(Errno.EINVAL, () -> cpu.begin(1, PAGE, Direction.FROM_DEVICE), "at 1 exceeds the 4096 bytes");
            refused(Errno.EINVAL, () -> cpu.begin(-1, 1, Direction.FROM_DEVICE));
            refused(Errno.EINVAL, () -> cpu.begin(1, Long.MAX_VALUE, Direction.FROM_DEVICE));
            try (CpuAccess access = cpu.begin(PAGE, 0, Direction.FROM_DEVICE)) {
                assertThat(access.length()).isZero();
                assertThatThrownBy(() -> access.read(PAGE, new byte[1], 0, 1))
                        .isInstanceOf(IndexOutOfBoundsException.class);
            }
        }
    }

    @Test
    @Tag("S27")
    @Tag("S29")
    void pagesAreThereInsideOfAnAccess() throws IOException {
        try (Machine machine = Machine.counting()) {
            FileMapping ram = machine.file(4);
            DmaBuf buffer = machine.guest("frame", ram, 3, 1, 2);
            Machine.store(ram, PAGE, EIGHT);
            try (Opener cpu = buffer.open("cpu")) {
                CpuAccess access = cpu.begin(100, PAGE, Direction.FROM_DEVICE);
                for (int i = 0; i < 3; i++)
                    assertThat(access.page(1).get(ValueLayout.JAVA_BYTE, 1)).isEqualTo((byte) 2);
                assertThat(access.page(0).byteSize()).isEqualTo(PAGE);
                assertThatThrownBy(() -> access.page(2)).isInstanceOf(IndexOutOfBoundsException.class);
                assertThatThrownBy(() -> access.page(-1)).isInstanceOf(IndexOutOfBoundsException.class);
                access.end();
                assertThatThrownBy(() -> access.page(1)).isInstanceOf(IllegalStateException.class);
            }
        }
    }

    @Test
    @Tag("S28")
    void aThreadHoldsTwoAtomicWindows() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(4), 3, 1, 2);
            try (Opener cpu = buffer.open("cpu"); CpuAccess access = cpu.begin(Direction.BIDIRECTIONAL)) {
                CpuAccess.AtomicWindow one = access.atomicPage(0);
                try (CpuAccess.AtomicWindow two = access.atomicPage(1)) {
                    assertThat(two.memory().byteSize()).isEqualTo(PAGE);
                    refused(Errno.EBUSY, () -> access.atomicPage(2), "2 atomic windows");
                }
                access.atomicPage(2).close();
                one.close();
                one.close();
            }
            machine.found(Rule.TOO_MANY_ATOMIC_WINDOWS);
        }
    }

    @Test
    @Tag("S31")
    @Tag("S32")
    void theSecondHalfIsForThoseWhoManageCachesThemselves() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.guest("frame", machine.file(2), 1, 0);
            DeviceFunction device = machine.device("device");
            DeviceView view = machine.view(device);
            Attachment attachment = buffer.attach(device, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            try (Opener cpu = buffer.open("cpu")) {
                BufferView coherent = BufferView.map(cpu, 0, 2 * PAGE);
                BufferView managed = BufferView.map(cpu, 2 * PAGE + PAGE, PAGE);
                assertThat(coherent.kind()).isEqualTo(BufferView.Kind.COHERENT);
                assertThat(managed.kind()).isEqualTo(BufferView.Kind.MANAGED);
                Machine.write(view, mapping, PAGE, EIGHT);
                byte[] seen = new byte[8];
                coherent.read(PAGE, seen);
                assertThat(seen).isEqualTo(EIGHT);
                coherent.write(0, EIGHT);
                assertThat(Machine.read(view, mapping, 0, 8)).isEqualTo(EIGHT);
                machine.found();

                Machine.write(view, mapping, PAGE + 512, EIGHT);
                managed.read(512, seen);
                assertThat(seen).as("nobody was told").isEqualTo(new byte[8]);
                machine.found(Rule.CPU_ACCESS_OUTSIDE_BRACKET);
                try (CpuAccess access = cpu.begin(PAGE + 512, 8, Direction.FROM_DEVICE)) {
                    assertThat(access.length()).isEqualTo(8);
                    managed.read(512, seen);
                }
                assertThat(seen).isEqualTo(EIGHT);
                refused(Errno.EINVAL, () -> BufferView.map(cpu, 4 * PAGE, PAGE), "each half has 8192");
                refused(Errno.EINVAL, () -> BufferView.map(cpu, PAGE, 2 * PAGE));
                refused(Errno.EINVAL, () -> BufferView.map(cpu, 12, PAGE), "begins at a page");
                refused(Errno.EINVAL, () -> BufferView.map(cpu, 0, 0));
                refused(Errno.EOVERFLOW, () -> BufferView.map(cpu, Long.MAX_VALUE & -PAGE, PAGE), "beyond all offsets");
            }
            mapping.unmap();
            attachment.detach();
        }
    }

    @Test
    @Tag("M11")
    @Tag("M31")
    void anAccessThroughAnotherBufferWithTheSamePagesBorrowsToo() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(2);
            DmaBuf one = machine.guest("one", ram, 0, 1);
            DmaBuf same = machine
                    .released(machine.core().export("same", 2L * PAGE, new GuestPages(Machine.runs(ram, 1, 0))));
            DeviceFunction device = machine.device("device");
            DeviceView view = machine.view(device);
            Attachment attachment = one.attach(device, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            Machine.write(view, mapping, 0, EIGHT);
            try (Opener cpu = same.open("cpu"); CpuAccess access = cpu.begin(Direction.FROM_DEVICE)) {
                byte[] seen = new byte[8];
                access.read(PAGE, seen, 0, 8);
                assertThat(seen).isEqualTo(EIGHT);
            }
            mapping.unmap();
            attachment.detach();
            machine.about(Rule.SAME_PAGES_TWICE, "[0x0, 0x1fff]");
            machine.found(Rule.SAME_PAGES_TWICE);
        }
    }

    @Test
    void anAccessIsOverAlsoIfTheExporterCannotEndIt() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.released(machine.core().export("frame", PAGE,
                    new FailingEndExporter(machine.file(1))));
            try (Opener cpu = buffer.open("cpu")) {
                CpuAccess access = cpu.begin(Direction.FROM_DEVICE);
                refused(Errno.EIO, access::end, "the exporter failed");
                access.close();
                refused(Errno.EINVAL, access::end, "twice");
            }
            machine.found(Rule.UNBALANCED_CPU_ACCESS);
        }
    }

    @Test
    @Tag("S26")
    @Tag("M10")
    void anOpenerThatIsClosedEndsItsAccessesAndIsFound() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(1);
            DmaBuf buffer = machine.core().export("frame", PAGE, new FailingEndExporter(ram));
            DmaBuf same = machine.released(machine.core().export("same", PAGE,
                    new BracketedPages(Machine.runs(ram, 0))));
            DeviceFunction device = machine.device("device");
            DeviceView view = machine.view(device);
            Attachment attachment = same.attach(device, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            Opener cpu = buffer.open("cpu");
            CpuAccess one = cpu.begin(Direction.TO_DEVICE);
            CpuAccess two = cpu.begin(0, 64, Direction.TO_DEVICE);
            two.write(0, EIGHT, 0, 8);
            buffer.release();
            assertThat(buffer.state()).as("it is open").isEqualTo(DmaBuf.State.ALLOCATED);
            refused(Errno.EIO, cpu::close, "the exporter failed");
            assertThat(buffer.state()).isEqualTo(DmaBuf.State.RELEASED);
            assertThat(machine.core().findings().times(Rule.UNBALANCED_CPU_ACCESS)).isEqualTo(2);
            assertThat(machine.core().findings().report()).contains("closes the buffer in the middle of an access");
            assertThat(Machine.read(view, mapping, 0, 8)).as("given back, and written back").isEqualTo(EIGHT);
            refused(Errno.EINVAL, one::end, "twice");
            refused(Errno.EBADF, () -> cpu.begin(Direction.FROM_DEVICE), "cpu has closed it");
            two.close();
            cpu.close();
            mapping.unmap();
            attachment.detach();
            assertThat(machine.core().findings().errors()).extracting(finding -> finding.rule())
                    .containsOnly(Rule.UNBALANCED_CPU_ACCESS);
        }
    }

    /** A range of pages must be brought in: EINTR, EAGAIN and ENOMEM first. */
    @Test
    @Tag("S24")
    void theExporterIsToldTheRangeAndWhatItRefusesCanBeTriedAgain() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(2);
            PagingExporter paging = new PagingExporter(ram, Errno.EINTR, Errno.EAGAIN, Errno.ENOMEM);
            DmaBuf buffer = machine.released(machine.core().export("frame", 2 * PAGE, paging));
            try (Opener cpu = buffer.open("cpu")) {
                refused(Errno.EINTR, () -> cpu.begin(100, 200, Direction.FROM_DEVICE), "not brought in");
                refused(Errno.EAGAIN, () -> cpu.begin(100, 200, Direction.FROM_DEVICE), "not brought in");
                refused(Errno.ENOMEM, () -> cpu.begin(100, 200, Direction.FROM_DEVICE), "not brought in");
                refused(Errno.EINVAL, () -> cpu.end(100, 200, Direction.FROM_DEVICE), "has not begun");
                assertThat(machine.core().findings().times(Rule.UNBALANCED_CPU_ACCESS)).isEqualTo(1);
                machine.core().findings().clear();
                CpuAccess access = cpu.begin(100, 200, Direction.FROM_DEVICE);
                CpuAccess other = cpu.begin(PAGE, PAGE, Direction.TO_DEVICE);
                other.end();
                access.end();
                BufferView managed = BufferView.map(cpu, 0, PAGE);
                managed.read(64, new byte[8]);
            }
            assertThat(paging.told).containsExactly("begin 100+200 FROM_DEVICE", "begin 4096+4096 TO_DEVICE",
                    "end 4096+4096 TO_DEVICE", "end 100+200 FROM_DEVICE", "begin 64+8 FROM_DEVICE",
                    "end 64+8 FROM_DEVICE");
            machine.found();
        }
    }

    /** Refuses the first accesses, each with an errno, and notes the others. */
    private static final class PagingExporter implements Exporter {
        private final FileMapping file;
        private final Deque<Integer> refusals = new ArrayDeque<>();
        final List<String> told = new ArrayList<>();

        PagingExporter(FileMapping file, Integer... refusals) {
            this.file = file;
            this.refusals.addAll(List.of(refusals));
        }

        @Override
        public String name() {
            return "paging";
        }

        @Override
        public CpuWriters cpuWriters() {
            return CpuWriters.BRACKETED;
        }

        @Override
        public BufferMemory allocate(AllocationRequest request) {
            return BufferMemory.ofPages(Machine.runs(file, 1, 0), () -> {});
        }

        @Override
        public void beginCpuAccess(long from, long length, Direction direction) throws DmaBufException {
            Integer refusal = refusals.poll();
            if (refusal != null) throw new DmaBufException(refusal, "the pages are not brought in");
            told.add("begin %d+%d %s".formatted(from, length, direction));
        }

        @Override
        public void endCpuAccess(long from, long length, Direction direction) {
            told.add("end %d+%d %s".formatted(from, length, direction));
        }
    }

    /** Each of these pages begins, multiplied by 4096, at 0 or inside of the buffer. */
    @Test
    @Tag("S27")
    void pagesBeyondAllOffsetsAreNotTheFirst() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(2), 1, 0);
            try (Opener cpu = buffer.open("cpu"); CpuAccess access = cpu.begin(Direction.FROM_DEVICE)) {
                for (long page : new long[]{ 1L << 52, (1L << 52) + 1, (1L << 63) + 1, -1, 2 }) {
                    assertThatThrownBy(() -> access.page(page)).isInstanceOf(IndexOutOfBoundsException.class);
                    assertThatThrownBy(() -> access.atomicPage(page)).isInstanceOf(IndexOutOfBoundsException.class);
                }
                assertThat(access.page(1).byteSize()).isEqualTo(PAGE);
            }
            machine.found();
        }
    }

    @Test
    @Tag("S30")
    void aDeviceWithoutDmaReadsAndWritesThroughTheCpu() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(1);
            DmaBuf buffer = machine.guest("frame", ram, 0);
            DeviceFunction camera = machine.device("camera");
            DeviceView view = machine.view(camera);
            Attachment attachment = buffer.attach(camera, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.FROM_DEVICE);
            Machine.write(view, mapping, 0, Machine.bytes(PAGE, 9));
            byte[] sent = new byte[PAGE];
            try (Opener usb = buffer.open("usb display"); CpuAccess access = usb.begin(Direction.FROM_DEVICE)) {
                access.read(0, sent, 0, PAGE);
            }
            assertThat(sent).isEqualTo(Machine.bytes(PAGE, 9));
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }

    @Test
    @Tag("S27")
    void aWindowIsForWhatItsAccessIsForAndEndsWithIt() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(2);
            DmaBuf buffer = machine.guest("frame", ram, 1, 0);
            try (Opener cpu = buffer.open("cpu")) {
                CpuAccess reading = cpu.begin(Direction.FROM_DEVICE);
                MemorySegment seen = reading.page(0);
                assertThat(seen.isReadOnly()).isTrue();
                assertThat(seen.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(Machine.load(ram, PAGE, PAGE));
                reading.end();
                assertThatThrownBy(() -> seen.get(ValueLayout.JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
                CpuAccess writing = cpu.begin(0, 10, Direction.TO_DEVICE);
                MemorySegment written = writing.page(0);
                written.set(ValueLayout.JAVA_BYTE, 5, (byte) 77);
                assertThat(Machine.load(ram, PAGE + 5, 1)).containsExactly(77);
                writing.end();
                assertThatThrownBy(() -> written.fill((byte) 1)).isInstanceOf(IllegalStateException.class);
                assertThatThrownBy(() -> writing.page(0)).isInstanceOf(IllegalStateException.class);
            }
            machine.found();
        }
    }
}
