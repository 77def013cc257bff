package sluice.dmacore.buffer;

import java.io.IOException;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.MemoryPool;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.ownership.Direction;
import sluice.iommu.injection.Occurrences;
import sluice.iommu.injection.Rule;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** A device's own table refuses what an attachment wants to map in it. */
class TableFailureTest {
    /** A driver that took the number of bytes that were mapped for success went on with a part of its buffer. */
    @ParameterizedTest
    @CsvSource({ "1, 0", "1, 3", "2, 2" })
    @Tag("M33")
    void aMapThatTheTableFailsIsAnErrorAndLeavesNothing(int nth, int afterRuns) throws IOException {
        try (Machine machine = Machine.modelled()) {
            MemoryPool pool = machine.pool(64, true);
            DmaBuf buffer = machine.own("frame", pool, 8 * PAGE);
            DeviceFunction device = machine.device("device");
            Attachment attachment = buffer.attach(device, Stream.NON_COHERENT);
            device.space().table().inject(new Rule.FailMap("fail", Occurrences.nth(nth), afterRuns));
            for (int i = 1; i < nth; i++) attachment.map(Direction.BIDIRECTIONAL).unmap();
            refused(Errno.ENOMEM, () -> attachment.map(Direction.BIDIRECTIONAL), "by rule fail");
            assertThat(device.liveMappings()).isZero();
            assertThat(device.space().table().mappings()).isEmpty();
            assertThat(device.space().table().statistics().mappedBytes()).isZero();

            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
            assertThat(mapping.segments().bytes()).isEqualTo(8 * PAGE);
            Machine.write(machine.view(device), mapping, 0, Machine.bytes(8 * PAGE, nth));
            assertThat(Machine.read(machine.view(device), mapping, 0, 8 * PAGE))
                    .isEqualTo(Machine.bytes(8 * PAGE, nth));
            mapping.unmap();
            attachment.detach();
            machine.mistaken();
        }
    }
}
