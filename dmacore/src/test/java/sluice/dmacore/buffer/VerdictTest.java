package sluice.dmacore.buffer;

import java.io.IOException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** What can be said before anything is done, and what the types leave unsaid. */
class VerdictTest {
    @Test
    @Tag("S38")
    @Tag("M35")
    void aTestMappingSaysAllThatIsInTheWayAndChangesNothing() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf scattered = machine.guest("scattered", machine.file(8), 5, 2, 7);
            DeviceFunction old = machine.core().function("old", DeviceDmaParams.scatterGather()
                    .withSegments(1 << 20, 2).withMinAlignMask(4 * PAGE - 1).withDmaMask(4 * PAGE - 1));
            Verdict verdict = scattered.wouldAttach(old);
            assertThat(verdict.problems()).extracting(Verdict.Problem::segment, Verdict.Problem::rule).contains(
                    tuple(-1, Verdict.Limit.SEGMENT_COUNT),
                    tuple(0, Verdict.Limit.ALIGNMENT),
                    tuple(0, Verdict.Limit.DMA_MASK),
                    tuple(2, Verdict.Limit.DMA_MASK));
            assertThat(verdict.toString()).contains("3 segments, and the device takes 2", "segment 0 begins at 0x5000");
            refused(Errno.EBUSY, () -> scattered.attach(old, Stream.COHERENT), verdict.toString());

            Attachment attachment = scattered.attachBouncing(old, Stream.COHERENT);
            assertThat(attachment.testMap()).isEqualTo(verdict);
            assertThat(old.space().table().mappings()).isEmpty();
            assertThat(scattered.counters().transfers() + scattered.counters().coherentTransfers()).isZero();
            attachment.detach();
            machine.found();
        }
    }

    @Test
    @Tag("S38")
    void aBufferWithoutMemoryIsJudgedByItsSize() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf late = machine.own("late", machine.pool(16, true), 8 * PAGE);
            Attachment attachment = late.attach(machine.device("gpu"), Stream.COHERENT);
            assertThat(attachment.testMap()).isEqualTo(Verdict.FITS);
            assertThat(late.state()).as("not allocated for a test").isEqualTo(DmaBuf.State.ABSTRACT);
            attachment.detach();
        }
    }

    /** Only a mapping can be handed to a device, and only an attachment makes one. */
    @Test
    @Tag("S44")
    void whatIsNotMappedCannotBeHandedToADevice() {
        assertThat(DeviceMapping.class.getConstructors()).isEmpty();
        assertThat(Attachment.class.getConstructors()).isEmpty();
        assertThat(SegmentList.class.getConstructors()).isEmpty();
        List<Method> accesses = Arrays.stream(DeviceView.class.getMethods())
                .filter(method -> List.of("find", "findRows", "read", "write").contains(method.getName())).toList();
        assertThat(accesses).hasSize(4)
                .allSatisfy(method -> assertThat(method.getParameterTypes()[0]).isEqualTo(DeviceMapping.class));
    }

    @Test
    @Tag("S44")
    @Tag("M5")
    void aMappingIsItsOwnDevices() throws IOException {
        try (Machine machine = Machine.counting()) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            Attachment attachment = buffer.attach(machine.device("gpu"), Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            DeviceView other = machine.view(machine.device("display"));
            assertThatThrownBy(() -> Machine.read(other, mapping, 0, 8)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("display uses a mapping of gpu");
            mapping.unmap();
            attachment.detach();
        }
    }
}
