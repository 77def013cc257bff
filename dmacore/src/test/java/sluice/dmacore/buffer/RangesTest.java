package sluice.dmacore.buffer;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** Where ranges end, to the byte, and which way they go. */
class RangesTest {
    /** The table of a device that is behind an IOMMU, and not only a finding. */
    @ParameterizedTest
    @EnumSource(Direction.class)
    void aDeviceReachesABufferAsItsMappingSays(Direction direction) throws IOException {
        try (Machine machine = Machine.counting()) {
            DeviceFunction gpu = machine.device("gpu");
            Attachment attachment = machine.guest("frame", machine.file(1), 0).attach(gpu, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(direction);
            DeviceView view = machine.view(gpu);
            MemorySegment bytes = MemorySegment.ofArray(new byte[8]);
            assertThat(view.read(mapping, 0, bytes, 0, 8))
                    .isEqualTo(direction.deviceReads() ? Outcome.RESOLVED : Outcome.FAULT);
            assertThat(view.write(mapping, 0, bytes, 0, 8))
                    .isEqualTo(direction.deviceWrites() ? Outcome.RESOLVED : Outcome.FAULT);
            if (direction == Direction.BIDIRECTIONAL) {
                machine.found();
            } else {
                machine.found(Rule.DEVICE_AGAINST_DIRECTION);
            }
            mapping.unmap();
            attachment.detach();
        }
    }

    /** To the byte: what a transfer, an access of the CPU and one of the device may be about. */
    @Test
    @Tag("D20")
    void rangesEndWithTheBuffer() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            DeviceFunction gpu = machine.device("gpu");
            Attachment attachment = buffer.attach(gpu, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            DeviceView view = machine.view(gpu);
            MemorySegment bytes = MemorySegment.ofArray(new byte[PAGE]);
            try (Opener cpu = buffer.open("cpu")) {
                mapping.syncForCpu(PAGE - 1, 1, Direction.FROM_DEVICE);
                mapping.syncForDevice(PAGE - 1, 1, Direction.TO_DEVICE);
                cpu.begin(PAGE - 1, 1, Direction.FROM_DEVICE).end();
                assertThat(view.read(mapping, PAGE - 1, bytes, 0, 1)).isEqualTo(Outcome.RESOLVED);
                machine.found();
                for (long from : new long[]{ PAGE, 1, -1 }) {
                    long length = from == PAGE ? 1 : PAGE;
                    refused(Errno.EINVAL, () -> mapping.syncForCpu(from, length, Direction.FROM_DEVICE), "a sync of");
                    refused(Errno.EINVAL, () -> mapping.syncForDevice(from, length, Direction.TO_DEVICE), "a sync of");
                    refused(Errno.EINVAL, () -> cpu.begin(from, length, Direction.FROM_DEVICE), "an access to");
                    assertThat(view.read(mapping, from, bytes, 0, length)).isEqualTo(Outcome.FAULT);
                }
            }
            assertThat(machine.core().findings().times(Rule.D20_SYNC_TOO_LONG)).isEqualTo(6);
            assertThat(machine.core().findings().times(Rule.DEVICE_OUTSIDE_MAPPING)).isEqualTo(3);
            mapping.unmap();
            attachment.detach();
        }
    }

    /** Bytes at the two ends of a transfer of a part go with it, and those beside it stay. */
    @Test
    void aTransferIsOfJustItsLines() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(1);
            DeviceFunction gpu = machine.device("gpu");
            Attachment attachment = machine.guest("frame", ram, 0).attach(gpu, Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            DeviceView view = machine.view(gpu);
            mapping.syncForCpu();
            byte[] drawn = new byte[PAGE];
            Arrays.fill(drawn, (byte) 1);
            Machine.store(ram, 0, drawn);
            mapping.syncForDevice(64, 65, Direction.TO_DEVICE);
            byte[] seen = new byte[PAGE];
            Arrays.fill(seen, 64, 192, (byte) 1);
            assertThat(Machine.read(view, mapping, 64, 65)).containsOnly(1);
            machine.found();
            assertThat(Machine.read(view, mapping, 0, PAGE)).isEqualTo(seen);
            machine.foundNext(Rule.MISSING_SYNC_FOR_DEVICE);
            mapping.syncForDevice();
            Arrays.fill(drawn, (byte) 2);
            Machine.write(view, mapping, 0, drawn);
            mapping.syncForCpu(64, 65, Direction.FROM_DEVICE);
            byte[] fetched = new byte[PAGE];
            Arrays.fill(fetched, (byte) 1);
            Arrays.fill(fetched, 64, 192, (byte) 2);
            assertThat(Machine.load(ram, 0, PAGE)).isEqualTo(fetched);
            mapping.unmap();
            attachment.detach();
            machine.found();
        }
    }
}
