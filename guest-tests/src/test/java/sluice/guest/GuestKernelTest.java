package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.QemuBinary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class GuestKernelTest {
    @TempDir
    private Path folder;

    private static final QemuBinary OLD = new QemuBinary(Path.of("/q"), "10.0.2");
    private static final QemuBinary NEW = new QemuBinary(Path.of("/q"), "11.1.3");

    private void unpack(String release, String link) throws IOException {
        Path root = folder.resolve("kernel").resolve(release);
        Files.createDirectories(root.resolve("boot"));
        Files.createDirectories(root.resolve("lib/modules").resolve(release));
        Files.createFile(root.resolve("boot/vmlinuz-" + release));
        Files.createFile(root.resolve("lib/modules").resolve(release).resolve("modules.dep"));
        Files.createSymbolicLink(root.resolveSibling(link), Path.of(release));
    }

    private String releaseFor(QemuBinary qemu) throws IOException {
        return GuestKernel.forQemu(qemu, new CacheFolder(folder)).release();
    }

    @Test
    void aMissingKernelSaysHowToGetOne() {
        assertThatThrownBy(() -> releaseFor(OLD)).isInstanceOf(IOException.class)
                .hasMessageContaining("run guest-tests/host/packages.sh");
    }

    @Test
    void aQemuBootsTheKernelOfItsTimeIfThatIsThere() throws IOException {
        unpack("6.12.1-amd64", "current");
        assertThat(releaseFor(OLD)).isEqualTo("6.12.1-amd64");
        assertThat(releaseFor(NEW)).isEqualTo("6.12.1-amd64");
        unpack("7.2.9-amd64", "newest");
        assertThat(releaseFor(OLD)).isEqualTo("6.12.1-amd64");
        assertThat(releaseFor(NEW)).isEqualTo("7.2.9-amd64");
    }

    @Test
    void anIncompleteKernelIsNamed() throws IOException {
        unpack("6.12.1-amd64", "current");
        Files.delete(folder.resolve("kernel/6.12.1-amd64/boot/vmlinuz-6.12.1-amd64"));
        assertThatThrownBy(() -> releaseFor(OLD)).isInstanceOf(IOException.class)
                .hasMessageContaining("kernel 6.12.1-amd64 is incomplete");
    }
}
