package sluice.dmacore.exporter;

import java.io.IOException;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.buffer.Opener;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.SyncAccess;
import sluice.dmacore.memory.MemoryFiles;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static sluice.dmacore.buffer.Refused.refused;

/** Descriptor checks on a kernel without dma-bufs. */
class DescriptorRefusalTest {
    @Test
    void aMemfdIsNoDmaBufAndNothingIsLeftOfIt() throws IOException {
        MemoryFiles files = new MemoryFiles(4);
        int before = Fd.openCount();
        try (Fd memfd = Memfd.create("test", 0)) {
            Memfd.resize(memfd, 4096);
            assertThatThrownBy(() -> DescriptorMemory.of(files.mappings(), memfd)).isInstanceOf(IOException.class)
                    .hasMessageContaining("is not a dma-buf");
            assertThat(Fd.openCount()).as("the duplicate is closed").isEqualTo(before + 1);
        }
        files.awaitUnmapped();
    }

    /** The kernel's bracket is opened and closed at the descriptor: one that has none says so both times. */
    @Tag("M12")
    @ParameterizedTest
    @EnumSource
    void bothEndsOfAnAccessOfTheCpuReachTheKernel(Direction direction) throws IOException {
        MemoryFiles files = new MemoryFiles(4);
        Fd memfd = Memfd.create("test", 0);
        Memfd.resize(memfd, 4096);
        try (DescriptorMemory memory = new DescriptorMemory(memfd, files.mappings().map(memfd), "memfd")) {
            SyncAccess access = DescriptorMemory.access(direction);
            refused(Errno.ENOTTY, () -> memory.beginCpuAccess(0, 4096, direction), "DMA_BUF_IOCTL_SYNC",
                    "at the start of an access to " + access);
            refused(Errno.ENOTTY, () -> memory.endCpuAccess(0, 4096, direction), "DMA_BUF_IOCTL_SYNC",
                    "at the end of an access to " + access);
        }
        assertThat(memfd.isOpen()).as("it is the memory's own").isFalse();
        files.awaitUnmapped();
    }

    /** A buffer calls its exporter before an access begins: an access refused by the kernel does not begin. */
    @Test
    void anAccessThatTheKernelRefusesDoesNotBegin() throws IOException {
        try (Machine machine = Machine.counting()) {
            Fd memfd = Memfd.create("test", 0);
            Memfd.resize(memfd, 4096);
            try (DescriptorMemory memory = new DescriptorMemory(memfd, machine.files().map(memfd), "memfd")) {
                DmaBuf buffer = machine.released(machine.core().export("frame", 4096, memory));
                try (Opener cpu = buffer.open("cpu")) {
                    refused(Errno.ENOTTY, () -> cpu.begin(Direction.FROM_DEVICE), "DMA_BUF_IOCTL_SYNC");
                }
                machine.found();
            }
        }
    }

    @Test
    void directionsAreTheDevicesAndAccessesTheCpus() {
        assertThat(DescriptorMemory.access(Direction.FROM_DEVICE)).isEqualTo(SyncAccess.READ);
        assertThat(DescriptorMemory.access(Direction.TO_DEVICE)).isEqualTo(SyncAccess.WRITE);
        assertThat(DescriptorMemory.access(Direction.BIDIRECTIONAL)).isEqualTo(SyncAccess.READ_WRITE);
    }
}
