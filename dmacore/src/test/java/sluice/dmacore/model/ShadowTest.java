package sluice.dmacore.model;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.EnumSet;
import java.util.Set;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.Test;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.CpuAccess;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DeviceView;
import sluice.dmacore.buffer.DmaAttribute;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.buffer.Opener;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.MemoryFiles;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Machine.bytes;
import static sluice.dmacore.buffer.Machine.load;
import static sluice.dmacore.buffer.Machine.read;
import static sluice.dmacore.buffer.Machine.store;
import static sluice.dmacore.buffer.Machine.write;

/** What a shadow costs, and when it gives that back. */
class ShadowTest {
    private static final int ROW = 64;
    private static final int TERABYTE_PAGES = 1 << 28;

    @Test
    void thePagesOfALargeMachineCostWhatDevicesUseOfIt() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(TERABYTE_PAGES);
            // Lines from 2^31 on are behind 128 GiB.
            int[] pages = { TERABYTE_PAGES - 1, 200 << 18, 0, TERABYTE_PAGES - 512 };
            DmaBuf frame = machine.guest("frame", ram, pages);
            DeviceFunction camera = machine.device("camera");
            DeviceView view = machine.view(camera);
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long before = threads.getCurrentThreadAllocatedBytes();
            Attachment attachment = frame.attach(camera, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            // The ledger and the shadow have a reference for each 2 MiB of the file.
            assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(16 << 20);

            byte[] picture = bytes(pages.length * PAGE, 1);
            write(view, mapping, 0, picture);
            assertThat(load(ram, (long) pages[1] * PAGE, 64)).as("not before it is fetched").containsOnly(0);
            mapping.syncForCpu();
            byte[] seen = new byte[picture.length];
            for (int i = 0; i < pages.length; i++)
                System.arraycopy(load(ram, (long) pages[i] * PAGE, PAGE), 0, seen, i * PAGE, PAGE);
            assertThat(seen).isEqualTo(picture);
            store(ram, (long) pages[0] * PAGE, bytes(64, 2));
            mapping.syncForDevice();
            assertThat(read(view, mapping, 0, 64)).isEqualTo(bytes(64, 2));
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }

    private static void cover(Shadow shadow, long offset, long bytes) {
        shadow.join(offset, bytes);
        shadow.cover(offset, bytes);
    }

    @Test
    void pagesWithoutADeviceAreGivenBackAndPlayFromTheCachesWhenOneComes() throws IOException {
        MemoryFiles files = new MemoryFiles(8);
        FileMapping ram = files.filled(8 * PAGE, 1);
        Shadow shadow = Shadow.of(ram, files.mappings());
        cover(shadow, 0, 8 * PAGE);
        cover(shadow, 3 * PAGE + 64, 64);
        assertThat(load(shadow.memory(), 0, 8 * PAGE)).isEqualTo(load(ram, 0, 8 * PAGE));
        shadow.noteDevice(5 * PAGE / 64, -1);
        assertThat(shadow.nextDeviceWritten(0, 8 * PAGE / 64)).isEqualTo(5 * PAGE / 64);

        assertThat(shadow.leave(0, 8 * PAGE)).isFalse();
        shadow.uncover(0, 8 * PAGE);
        assertThat(shadow.next(true, 0, 8 * PAGE)).isEqualTo(3 * PAGE);
        assertThat(shadow.next(false, 3 * PAGE, 8 * PAGE)).isEqualTo(4 * PAGE);
        for (int page = 0; page < 8; page++) {
            int bytes = page == 3 ? ram.segment().get(ValueLayout.JAVA_BYTE, (long) page * PAGE) : 0;
            assertThat(load(shadow.memory(), (long) page * PAGE, 1)[0]).as("page %d", page).isEqualTo((byte) bytes);
        }

        cover(shadow, 5 * PAGE, PAGE);
        assertThat(load(shadow.memory(), 5 * PAGE, PAGE)).isEqualTo(load(ram, 5 * PAGE, PAGE));
        assertThat(shadow.nextDeviceWritten(0, 8 * PAGE / 64)).as("that was another device's").isEqualTo(-1);
        assertThat(shadow.leave(5 * PAGE, PAGE)).isFalse();
        shadow.uncover(5 * PAGE, PAGE);
        assertThat(shadow.leave(3 * PAGE + 64, 64)).as("the last").isTrue();
        shadow.close();
        ram.release();
        files.awaitUnmapped();
    }

    /** The region remembers that memory may be newer, and there is no memory any more, or only of other pages. */
    @Test
    void whatADeviceLeftBehindUnfetchedIsGoneWithTheLastDevice() throws IOException {
        for (boolean otherPages : new boolean[]{ false, true }) {
            try (Machine machine = Machine.modelled()) {
                FileMapping ram = machine.file(2);
                DmaBuf frame = machine.guest("frame", ram, 0);
                DmaBuf other = machine.guest("other", ram, 1);
                DeviceFunction camera = machine.device("camera");
                DeviceView view = machine.view(camera);
                Attachment snooping = frame.attach(machine.device("gpu"), Stream.COHERENT);
                Attachment attachment = frame.attach(camera, Stream.NON_COHERENT);
                Attachment elsewhere = other.attach(camera, otherPages ? Stream.NON_COHERENT : Stream.COHERENT);
                store(ram, 0, bytes(ROW, 1));
                Set<DmaAttribute> skip = EnumSet.of(DmaAttribute.SKIP_CPU_SYNC);
                DeviceMapping mapping = attachment.map(Direction.FROM_DEVICE, skip);
                write(view, mapping, 0, bytes(ROW, 2));
                mapping.unmap(Direction.FROM_DEVICE, skip);
                attachment.detach();
                try (Opener cpu = frame.open("cpu"); CpuAccess access = cpu.begin(Direction.FROM_DEVICE)) {
                    byte[] seen = new byte[ROW];
                    access.read(0, seen, 0, ROW);
                    assertThat(seen).isEqualTo(bytes(ROW, 1));
                }
                snooping.detach();
                elsewhere.detach();
            }
        }
    }
}
