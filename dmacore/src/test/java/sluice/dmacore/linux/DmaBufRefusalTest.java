package sluice.dmacore.linux;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Refusals without a device: descriptors that are not dma-bufs, missing devices, and udmabuf's rules. */
class DmaBufRefusalTest {
    private static final long PAGE = Mman.pageSize();
    private static final UdmabufRules RULES = new UdmabufRules(4, 1);

    @Test
    void aMemfdIsNoDmaBuf() throws Exception {
        try (Fd memfd = Memfd.create("test", 0)) {
            assertThat(DmaBufFile.isDmaBuf(memfd)).isFalse();
            MemfdTest.assertFails(Errno.ENOTTY, "ioctl DMA_BUF_IOCTL_SYNC",
                    () -> DmaBufFile.syncStart(memfd, SyncAccess.READ));
            MemfdTest.assertFails(Errno.ENOTTY, "ioctl DMA_BUF_IOCTL_SYNC",
                    () -> DmaBufFile.syncEnd(memfd, SyncAccess.READ));
            MemfdTest.assertFails(Errno.ENOTTY, "ioctl DMA_BUF_SET_NAME_B", () -> DmaBufFile.setName(memfd, "frame"));
            MemfdTest.assertFails(Errno.ENOTTY, "ioctl DMA_BUF_IOCTL_EXPORT_SYNC_FILE",
                    () -> DmaBufFile.exportSyncFile(memfd, SyncAccess.READ));
            MemfdTest.assertFails(Errno.ENOTTY, "ioctl DMA_BUF_IOCTL_IMPORT_SYNC_FILE",
                    () -> DmaBufFile.importSyncFile(memfd, SyncAccess.READ, memfd));
            assertThatThrownBy(() -> DmaBufFile.info(memfd)).hasMessageContaining("is not a dma-buf");
        }
        try (Fd event = EventFd.create()) {
            assertThat(DmaBufFile.isDmaBuf(event)).isFalse();
        }
    }

    @Test
    void aMissingDeviceIsNamedWithWhatToDo(@TempDir Path folder) {
        assertThatThrownBy(() -> Udmabuf.open(folder.resolve("udmabuf")))
                .isInstanceOfSatisfying(ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT))
                .hasMessageContaining("modprobe udmabuf");
        assertThatThrownBy(() -> DmaHeap.open("no-such-heap"))
                .isInstanceOfSatisfying(ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT))
                .hasMessageContaining("/dev/dma_heap/no-such-heap does not exist");
    }

    @Test
    void everyRuleOfUdmabufIsExplained(@TempDir Path folder) throws Exception {
        try (Fd memfd = Memfd.create("test", Memfd.ALLOW_SEALING);
                Fd unsealed = Memfd.create("test", Memfd.ALLOW_SEALING);
                Fd readOnly = Memfd.create("test", Memfd.ALLOW_SEALING);
                Fd pipe = EventFd.create();
                Fd disk = TestCalls.open(Files.createFile(folder.resolve("file")), TestCalls.O_RDWR)) {
            Memfd.resize(memfd, 2 * PAGE);
            Seals.add(memfd, Seals.SHRINK);
            Seals.add(readOnly, Seals.SHRINK | Seals.FUTURE_WRITE);
            assertThat(why(memfd, PAGE / 2, PAGE)).contains("part 0 begins at offset 0x800", "page size 4096");
            assertThat(why(memfd, 0, PAGE / 2)).contains("part 0 has 0x800 bytes", "page size 4096");
            assertThat(why(memfd, 0, 0)).contains("these 1 parts have none");
            assertThat(why(memfd, PAGE, 2 * PAGE)).contains("the bytes 0x1000 to 0x3000", "has only 0x2000");
            assertThat(why(memfd, -PAGE, PAGE)).contains("has only 0x2000");
            assertThat(why(memfd, 0, 2 << 20)).contains("512 pages", "at most 1 MiB", "size_limit_mb");
            assertThat(why(unsealed, 0, PAGE)).contains("F_SEAL_SHRINK");
            assertThat(why(readOnly, 0, PAGE)).contains("sealed against writing (seals 0x12)");
            assertThat(why(pipe, 0, PAGE)).contains("not a memfd");
            assertThat(RULES.broken(Collections.nCopies(5, new Udmabuf.Part(memfd, 0, PAGE)), Errno.EINVAL))
                    .contains("at most 4 parts, but these are 5", "list_limit");
            assertThat(RULES.broken(List.of(), Errno.EINVAL)).contains("these 0 parts have none");
            assertThat(why(memfd, 0, PAGE)).contains("not known here");
            assertThat(RULES.broken(List.of(), Errno.ENOMEM)).contains("no memory");
            assertThat(RULES.broken(List.of(), Errno.EMFILE)).contains("ulimit -n");
            assertThat(why(disk, 0, PAGE)).as("a file on disk or in a tmpfs").containsAnyOf("not a memfd",
                    "F_SEAL_SHRINK");
        }
    }

    private static String why(Fd file, long offset, long size) {
        return RULES.broken(List.of(new Udmabuf.Part(file, offset, size)), Errno.EINVAL);
    }
}
