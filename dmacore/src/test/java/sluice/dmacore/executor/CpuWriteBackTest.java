package sluice.dmacore.executor;

import java.io.IOException;

import org.junit.jupiter.api.Test;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.device.Stream;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Refused.refused;

/** The CPU's own write-back changes no byte, and a device that writes is refused. */
class CpuWriteBackTest {
    @Test
    void linesAreWrittenBackAndStayAsTheyAre() throws IOException {
        CpuWriteBack executor = CpuWriteBack.open().orElseThrow(
                () -> new AssertionError(
                        "the tests' JVM needs C2 and " + CpuWriteBack.jvmOption()
                                + ", and the CPU clwb or clflushopt"));
        try (Machine machine = Machine.with(DmaCoreOptions.counting().withExecutor(executor))) {
            FileMapping ram = machine.file(4);
            Machine.store(ram, 0, Machine.bytes(4 * Machine.PAGE, 3));
            DmaBuf buffer = machine.guest("frame", ram, 3, 1);
            Attachment attachment = buffer.attach(machine.device("display"), Stream.NON_COHERENT);
            attachment.map(Direction.TO_DEVICE).unmap();
            assertThat(buffer.counters().writeBackExecuted()).isEqualTo(2 * Machine.PAGE);
            assertThat(buffer.counters().writeBackNanos()).isPositive();
            assertThat(Machine.load(ram, 0, 4 * Machine.PAGE)).isEqualTo(Machine.bytes(4 * Machine.PAGE, 3));
            attachment.detach();
        }
    }

    @Test
    void anInvalidationIsRefused() throws IOException {
        CpuWriteBack executor = CpuWriteBack.open().orElseThrow();
        try (Machine machine = Machine.with(DmaCoreOptions.counting().withExecutor(executor))) {
            DmaBuf buffer = machine.guest("frame", machine.file(1), 0);
            Attachment attachment = buffer.attach(machine.device("camera"), Stream.NON_COHERENT);
            refused(Errno.EOPNOTSUPP, () -> attachment.map(Direction.FROM_DEVICE), "cannot invalidate");
            attachment.detach();
        }
    }
}
