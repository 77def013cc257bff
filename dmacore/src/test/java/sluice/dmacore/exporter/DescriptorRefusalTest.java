package sluice.dmacore.exporter;

import java.io.IOException;

import org.junit.jupiter.api.Test;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.SyncAccess;
import sluice.dmacore.memory.MemoryFiles;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What can be said of descriptors where there are no dma-bufs. */
class DescriptorRefusalTest {
    @Test
    void aMemfdIsNoDmaBufAndNothingIsLeftOfIt() throws IOException {
        MemoryFiles files = new MemoryFiles(4);
        int before = Fd.openCount();
        try (Fd memfd = Memfd.create("test", 0)) {
            Memfd.resize(memfd, 4096);
            assertThatThrownBy(() -> DescriptorMemory.of(files.mappings(), memfd)).isInstanceOf(IOException.class)
                    .hasMessageContaining("is no dma-buf");
            assertThat(Fd.openCount()).as("the duplicate is closed").isEqualTo(before + 1);
        }
        files.awaitUnmapped();
    }

    @Test
    void directionsAreTheDevicesAndAccessesTheCpus() {
        assertThat(DescriptorMemory.access(Direction.FROM_DEVICE)).isEqualTo(SyncAccess.READ);
        assertThat(DescriptorMemory.access(Direction.TO_DEVICE)).isEqualTo(SyncAccess.WRITE);
        assertThat(DescriptorMemory.access(Direction.BIDIRECTIONAL)).isEqualTo(SyncAccess.READ_WRITE);
    }
}
