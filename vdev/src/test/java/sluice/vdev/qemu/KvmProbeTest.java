package sluice.vdev.qemu;

import java.io.IOException;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** What is remembered of guests under KVM. */
class KvmProbeTest {
    @Test
    void aResultIsForAQemu(@TempDir Path folder) throws IOException {
        KvmProbe probe = new KvmProbe(new CacheFolder(folder));
        QemuBinary old = new QemuBinary(Path.of("/usr/bin/qemu"), "10.0.2");
        QemuBinary young = new QemuBinary(Path.of("/usr/bin/qemu"), "11.1.3");
        assertThat(probe.known(old)).isNull();
        probe.remember(old, true);
        probe.remember(young, false);
        assertThat(probe.known(old)).isTrue();
        assertThat(probe.known(young)).isFalse();
        probe.remember(old, false);
        assertThat(probe.known(old)).isFalse();
    }
}
