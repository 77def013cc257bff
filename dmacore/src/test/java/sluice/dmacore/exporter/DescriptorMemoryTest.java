package sluice.dmacore.exporter;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.CpuAccess;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DeviceView;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.buffer.Opener;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.linux.DmaBufFile;
import sluice.dmacore.linux.DmaHeap;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.Seals;
import sluice.dmacore.linux.SyncAccess;
import sluice.dmacore.linux.Udmabuf;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** Buffers over real dma-bufs: devices that do not snoop, and the kernel's brackets around the CPU's accesses. */
@Tag("guest")
@Tag("S22")
class DescriptorMemoryTest {
    private static final int PAGES = 8;

    private final int openBefore = Fd.openCount();

    @AfterEach
    void noDescriptorIsLeft() {
        assertThat(Fd.openCount()).isEqualTo(openBefore);
    }

    private static Fd memfd() throws IOException {
        Fd fd = Memfd.create("guest", Memfd.ALLOW_SEALING);
        Memfd.resize(fd, PAGES * PAGE);
        Seals.add(fd, Seals.SHRINK);
        return fd;
    }

    private static List<Udmabuf.Part> parts(Fd memfd, int... pages) {
        return IntStream.of(pages).mapToObj(page -> new Udmabuf.Part(memfd, (long) page * PAGE, PAGE)).toList();
    }

    /** One piece is UDMABUF_CREATE, several are UDMABUF_CREATE_LIST. */
    @ParameterizedTest
    @ValueSource(ints = { 1, 3 })
    void whatADeviceWritesIsInTheMemfdOnceTheCpuHasBegunAnAccess(int count) throws Exception {
        int[] pages = IntStream.of(5, 2, 7).limit(count).toArray();
        try (Machine machine = Machine.modelled();
                Fd memfd = memfd();
                Udmabuf device = Udmabuf.open();
                DescriptorMemory memory = DescriptorMemory.ofPages(machine.files(), device, parts(memfd, pages))) {
            assertThat(memory.name()).isEqualTo("udmabuf");
            assertThat(memory.size()).isEqualTo((long) count * PAGE);
            FileMapping ram = machine.files().map(memfd);
            DmaBuf frame = machine.core().export("frame", memory.size(), memory);
            DeviceFunction camera = machine.device("camera");
            Attachment attachment = frame.attach(camera, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            byte[] picture = Machine.bytes(count * PAGE, 5);
            try (DeviceView view = DeviceView.open(camera); Opener cpu = frame.open("cpu")) {
                Machine.write(view, mapping, 0, picture);
                assertThat(Machine.load(ram, 5 * PAGE, PAGE)).as("not synced").containsOnly(0);
                try (CpuAccess access = cpu.begin(Direction.BIDIRECTIONAL)) {
                    for (int i = 0; i < count; i++) {
                        byte[] page = Arrays.copyOfRange(picture, i * PAGE, (i + 1) * PAGE);
                        assertThat(Machine.load(ram, (long) pages[i] * PAGE, PAGE)).isEqualTo(page);
                    }
                    access.write(0, new byte[]{ 42 }, 0, 1);
                }
                assertThat(Machine.load(ram, 5 * PAGE, 1)).containsExactly(42);
                assertThat(Machine.read(view, mapping, 0, 1)).as("the device has it again").containsExactly(42);
            }
            mapping.unmap();
            attachment.detach();
            frame.release();
            ram.release();
            machine.found();
        }
    }

    /** A udmabuf refuses to close a bracket that was never opened: the core's own access has opened one. */
    @Test
    @Tag("M12")
    void anAccessOpensTheKernelsBracket() throws Exception {
        try (Machine machine = Machine.counting();
                Fd memfd = memfd();
                Udmabuf device = Udmabuf.open();
                DescriptorMemory memory = DescriptorMemory.ofPages(machine.files(), device, parts(memfd, 1))) {
            assertThatThrownBy(() -> DmaBufFile.syncEnd(memory.descriptor(), SyncAccess.WRITE)).as("never opened")
                    .isInstanceOfSatisfying(ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
            DmaBuf frame = machine.core().export("frame", PAGE, memory);
            try (Opener cpu = frame.open("cpu"); CpuAccess _ = cpu.begin(Direction.TO_DEVICE)) {
                DmaBufFile.syncEnd(memory.descriptor(), SyncAccess.WRITE);
            }
            frame.release();
            machine.found();
        }
    }

    @Test
    void aHeapsMemoryIsZeroAndShared() throws Exception {
        try (Machine machine = Machine.modelled();
                DmaHeap heap = DmaHeap.open("system");
                DescriptorMemory memory = DescriptorMemory.ofHeap(machine.files(), heap, 2 * PAGE - 5);
                DescriptorMemory same = DescriptorMemory.of(machine.files(), memory.descriptor())) {
            assertThat(memory.size()).isEqualTo(2 * PAGE);
            DmaBuf one = machine.core().export("one", 2 * PAGE - 5, memory);
            DmaBuf other = machine.core().export("other", 2 * PAGE, same);
            try (Opener writer = one.open("writer"); Opener reader = other.open("reader")) {
                byte[] seen = new byte[8];
                try (CpuAccess access = reader.begin(Direction.FROM_DEVICE)) {
                    access.read(PAGE, seen, 0, 8);
                }
                assertThat(seen).containsOnly(0);
                try (CpuAccess access = writer.begin(Direction.TO_DEVICE)) {
                    access.write(PAGE, new byte[]{ 1, 2, 3 }, 0, 3);
                }
                try (CpuAccess access = reader.begin(Direction.FROM_DEVICE)) {
                    access.read(PAGE, seen, 0, 8);
                }
                assertThat(seen).startsWith(1, 2, 3);
            }
            one.release();
            other.release();
            machine.found();
        }
    }

    @Test
    void aBufferIsNotLargerThanTheDmaBuf() throws Exception {
        try (Machine machine = Machine.counting();
                DmaHeap heap = DmaHeap.open("system");
                DescriptorMemory memory = DescriptorMemory.ofHeap(machine.files(), heap, PAGE)) {
            refused(Errno.EINVAL, () -> machine.core().export("frame", PAGE + 1, memory), "has 4096 bytes", "4097");
        }
    }

    /** What the CPU writes outside of any access of ours, through the kernel's bracket alone, reaches a device at its sync. */
    @Test
    void whoHasTheDescriptorElsewhereIsReckonedWith() throws Exception {
        try (Machine machine = Machine.modelled();
                DmaHeap heap = DmaHeap.open("system");
                DescriptorMemory memory = DescriptorMemory.ofHeap(machine.files(), heap, PAGE)) {
            DmaBuf frame = machine.core().export("frame", PAGE, memory);
            DeviceFunction display = machine.device("display");
            Attachment attachment = frame.attach(display, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            mapping.syncForCpu();
            FileMapping elsewhere = machine.files().mapDmaBuf(memory.descriptor());
            DmaBufFile.syncStart(memory.descriptor(), DescriptorMemory.access(Direction.TO_DEVICE));
            Machine.store(elsewhere, 0, new byte[]{ 7 });
            DmaBufFile.syncEnd(memory.descriptor(), DescriptorMemory.access(Direction.TO_DEVICE));
            mapping.syncForDevice();
            try (DeviceView view = DeviceView.open(display)) {
                assertThat(Machine.read(view, mapping, 0, 1)).containsExactly(7);
            }
            mapping.unmap();
            attachment.detach();
            frame.release();
            elsewhere.release();
            machine.found();
        }
    }
}
