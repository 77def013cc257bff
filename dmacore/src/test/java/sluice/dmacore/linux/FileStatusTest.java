package sluice.dmacore.linux;

import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

class FileStatusTest {
    @Test
    void agreesWithTheJdkAboutAFile(@TempDir Path directory) throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "seventeen bytes..");
        try (Fd fd = TestCalls.open(file, TestCalls.O_RDONLY)) {
            FileStatus status = FileStatus.of(fd);
            assertThat(status.device()).isEqualTo(Files.getAttribute(file, "unix:dev"));
            assertThat(status.inode()).isEqualTo(Files.getAttribute(file, "unix:ino"));
            assertThat(status.mode()).isEqualTo(Files.getAttribute(file, "unix:mode"));
            assertThat(status.size()).isEqualTo(17);
            assertThat(status.isRegular()).isTrue();
            assertThat(status.isSocket()).isFalse();
            assertThat(status.isCharacterDevice()).isFalse();
        }
    }

    @Test
    void tellsKindsApart() throws Exception {
        try (Fd device = TestCalls.open(Path.of("/dev/null"), TestCalls.O_RDWR)) {
            assertThat(FileStatus.of(device).isCharacterDevice()).isTrue();
            assertThat(FileStatus.of(device).isRegular()).isFalse();
        }
        UnixSocket.Pair pair = UnixSocket.pair();
        try (Fd first = pair.first(); Fd second = pair.second()) {
            assertThat(FileStatus.of(first).isSocket()).isTrue();
            assertThat(FileStatus.of(second).isRegular()).isFalse();
        }
    }

    @Test
    void aDuplicateIsTheSameFileAndAnotherFileIsNot() throws Exception {
        try (Fd fd = Memfd.create("a", 0); Fd twin = fd.duplicate(); Fd other = Memfd.create("a", 0)) {
            assertThat(FileStatus.of(twin)).isEqualTo(FileStatus.of(fd));
            assertThat(FileStatus.of(other).inode()).isNotEqualTo(FileStatus.of(fd).inode());
            assertThat(FileStatus.of(other).device()).isEqualTo(FileStatus.of(fd).device());
        }
    }

    @Test
    void anUnknownNumberFails() throws Exception {
        int free;
        try (Fd low = EventFd.create(); Fd high = Fd.own(Fcntl.call(low, Fcntl.F_DUPFD_CLOEXEC, 1000))) {
            free = high.number();
        }
        Fd stranger = Fd.own(free);
        MemfdTest.assertFails(Errno.EBADF, "statx", () -> FileStatus.of(stranger));
        assertThat(stranger.release()).isEqualTo(free);
    }
}
