package sluice.dmacore.executor;

import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.device.Stream;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
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

    /** Each line of the buffer is handed to the CPU once, where it lies in this process, in however many pieces. */
    @Test
    void theCpuIsToldOfEachLineWhereItLies() throws Exception {
        List<Long> told = new ArrayList<>();
        MethodHandle recorder = MethodHandles.lookup().findStatic(CpuWriteBackTest.class, "record",
                MethodType.methodType(void.class, List.class, long.class, long.class)).bindTo(told);
        CpuWriteBack executor = new CpuWriteBack(recorder);
        try (Machine machine = Machine.with(DmaCoreOptions.counting().withExecutor(executor))) {
            FileMapping ram = machine.file(8);
            DmaBuf buffer = machine.guest("frame", ram, 3, 4, 1);
            Attachment attachment = buffer.attach(machine.device("display"), Stream.NON_COHERENT);
            DeviceMapping mapping = attachment.map(Direction.TO_DEVICE);
            long base = ram.segment().address();
            List<Long> all = lines(base + 3 * Machine.PAGE, 2 * Machine.PAGE);
            all.addAll(lines(base + Machine.PAGE, Machine.PAGE));
            assertThat(told).containsExactlyInAnyOrderElementsOf(all);
            told.clear();
            mapping.syncForCpu();
            mapping.syncForDevice(Machine.PAGE + 100, 200, Direction.TO_DEVICE);
            assertThat(told).as("lines 1 to 4 of the second page")
                    .containsExactlyInAnyOrderElementsOf(lines(base + 4 * Machine.PAGE + 64, 256));
            mapping.unmap();
            attachment.detach();
        }
    }

    @SuppressWarnings("UnusedMethod") // called by its handle
    private static void record(List<Long> told, long address, long bytes) {
        told.addAll(lines(address, bytes));
    }

    private static List<Long> lines(long address, long bytes) {
        List<Long> lines = new ArrayList<>();
        for (long at = address & -64; at < address + bytes; at += 64) lines.add(at);
        return lines;
    }

    /** The JDK's method checks its arguments, but is called directly here. */
    @Test
    void theCpusOwnInstructionStandsBehindIt() {
        CpuWriteBack executor = CpuWriteBack.open().orElseThrow();
        assertThatThrownBy(() -> executor.writeBack(0, -1)).isInstanceOf(IllegalStateException.class)
                .hasStackTraceContaining("jdk.internal.misc.Unsafe.writebackMemory");
    }

    @Test
    void itOnlyWritesBack() {
        CpuWriteBack executor = CpuWriteBack.open().orElseThrow();
        assertThat(executor.invalidates()).isFalse();
        assertThat(CpuWriteBack.jvmOption()).startsWith("--add-exports=").contains("jdk.internal.misc");
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
