package sluice.dmacore.model;

import java.io.IOException;
import java.util.Arrays;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DeviceView;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Machine.bytes;
import static sluice.dmacore.buffer.Machine.load;
import static sluice.dmacore.buffer.Machine.read;
import static sluice.dmacore.buffer.Machine.store;
import static sluice.dmacore.buffer.Machine.write;

/** What a forgotten transfer does to the bytes, on a machine where every device snoops. */
@Tag("S41")
@Tag("S45")
class StaleRowTest {
    private static final int ROW = 256;

    @Test
    void aForgottenSyncShowsAStaleRow() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(4);
            DmaBuf frame = machine.guest("frame", ram, 2, 0, 1);
            DeviceFunction display = machine.device("display");
            DeviceView view = machine.view(display);
            byte[] first = bytes(ROW, 1);
            byte[] second = bytes(ROW, 2);
            store(ram, 2 * PAGE, first);
            Attachment attachment = frame.attach(display, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            assertThat(read(view, mapping, 0, ROW)).isEqualTo(first);

            mapping.syncForCpu();
            store(ram, 2 * PAGE, second);
            assertThat(read(view, mapping, 0, ROW)).as("the device was given nothing").isEqualTo(first);
            machine.found(Rule.MISSING_SYNC_FOR_DEVICE);

            mapping.syncForDevice();
            assertThat(read(view, mapping, 0, ROW)).isEqualTo(second);
            mapping.unmap();
            attachment.detach();
            machine.found(Rule.MISSING_SYNC_FOR_DEVICE);
        }
    }

    @Test
    void whatTheDeviceWroteIsSeenAfterASyncAndNotBefore() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(4);
            DmaBuf frame = machine.guest("frame", ram, 3, 1);
            DeviceFunction camera = machine.device("camera");
            DeviceView view = machine.view(camera);
            byte[] before = load(ram, 3 * PAGE, ROW);
            byte[] picture = bytes(2 * PAGE, 3);
            Attachment attachment = frame.attach(camera, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.FROM_DEVICE);
            write(view, mapping, 0, picture);
            assertThat(load(ram, 3 * PAGE, ROW)).as("the caches know nothing of it").isEqualTo(before);
            mapping.syncForCpu();
            assertThat(load(ram, 3 * PAGE, PAGE)).isEqualTo(Arrays.copyOf(picture, PAGE));
            mapping.syncForDevice();
            mapping.unmap();
            attachment.detach();
            machine.about(Rule.NEVER_WRITTEN, "[0x0, 0x1fff]");
            machine.found(Rule.NEVER_WRITTEN);
        }
    }

    @Test
    void aStoreInTheDevicesTimeIsFound() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(2);
            DmaBuf frame = machine.guest("frame", ram, 0, 1);
            DeviceFunction camera = machine.device("camera");
            DeviceView view = machine.view(camera);
            Attachment attachment = frame.attach(camera, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            write(view, mapping, 128, bytes(64, 5));
            store(ram, 130, new byte[]{ 1, 2, 3 });
            mapping.syncForCpu();
            machine.found(Rule.CPU_WROTE_DEVICE_OWNED);
            assertThat(machine.core().findings().errors().getFirst().from()).isEqualTo(130);
            assertThat(machine.core().findings().errors().getFirst().length()).isEqualTo(3);
            mapping.syncForDevice();
            store(ram, PAGE, new byte[]{ 9 });
            mapping.syncForCpu(PAGE, 64, Direction.TO_DEVICE);
            assertThat(machine.core().findings().times(Rule.CPU_WROTE_DEVICE_OWNED)).isEqualTo(2);
            mapping.unmap();
            attachment.detach();
        }
    }

    @Test
    void neighboursOnALineAreHurt() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(1);
            DmaBuf frame = machine.guest("frame", ram, 0);
            DeviceFunction camera = machine.device("camera");
            DeviceView view = machine.view(camera);
            Attachment attachment = frame.attach(camera, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.FROM_DEVICE);
            write(view, mapping, 0, new byte[]{ 7 });
            store(ram, 63, new byte[]{ 42 });
            mapping.unmap();
            assertThat(load(ram, 0, 1)[0]).isEqualTo((byte) 7);
            assertThat(load(ram, 63, 1)[0]).as("lost, with its whole line").isZero();
            attachment.detach();
            machine.about(Rule.NEVER_WRITTEN, "[0x1, 0xfff]");
            machine.found(Rule.NEVER_WRITTEN, Rule.CPU_WROTE_DEVICE_OWNED);
        }
    }

    @Test
    void aDeviceThatSnoopsNeedsNothingOfAllThis() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(1);
            DmaBuf frame = machine.guest("frame", ram, 0);
            DeviceFunction gpu = machine.device("gpu");
            DeviceView view = machine.view(gpu);
            Attachment attachment = frame.attach(gpu, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            store(ram, 0, bytes(ROW, 1));
            assertThat(read(view, mapping, 0, ROW)).isEqualTo(bytes(ROW, 1));
            write(view, mapping, 0, bytes(ROW, 2));
            assertThat(load(ram, 0, ROW)).isEqualTo(bytes(ROW, 2));
            assertThat(machine.caches().cacheBytes()).isZero();
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }
}
