package sluice.vdev.qemu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** What is said about windows of QEMU on a host. */
class QemuDisplayTest {
    private static final List<String> KNOWN = List.of("Available display backend types:", "none", "gtk", "sdl", "dbus");
    private static final Map<String, String> DESKTOP = Map.of("DISPLAY", ":0");

    @Test
    void aDesktopWithAGpuHasAWindow() {
        assertThat(QemuDisplay.of(KNOWN, DESKTOP, true)).isEqualTo(new QemuDisplay("-display gtk,gl=on", ""));
        assertThat(QemuDisplay.of(List.of("none", "sdl"), Map.of("WAYLAND_DISPLAY", "wayland-0"), true).argument())
                .isEqualTo("-display sdl,gl=on");
    }

    @Test
    void whatLacksIsNamed() {
        assertThat(QemuDisplay.of(KNOWN, DESKTOP, false).remark()).contains("this host has no GPU", "--vnc=");
        assertThat(QemuDisplay.of(KNOWN, Map.of(), true).remark()).contains("neither DISPLAY nor");
        assertThat(QemuDisplay.of(List.of("none"), DESKTOP, true).remark()).contains("neither gtk nor sdl");
        assertThat(QemuDisplay.of(KNOWN, Map.of(), false).argument()).isEqualTo("-display none");
    }

    @Test
    void aRenderNodeIsFound(@TempDir Path folder) throws IOException {
        assertThat(QemuDisplay.hasRenderNode(folder.resolve("dri"))).isFalse();
        Files.createFile(folder.resolve("card0"));
        assertThat(QemuDisplay.hasRenderNode(folder)).isFalse();
        Files.createFile(folder.resolve("renderD128"));
        assertThat(QemuDisplay.hasRenderNode(folder)).isTrue();
    }
}
