package sluice.vdev.serve;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.vdev.display.GpuProvider;
import sluice.vdev.plugin.DeviceOption;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

/** The sources of devices, and the errors for jars without devices. */
class DeviceCatalogTest {
    @TempDir
    private Path folder;

    private void refused(String sentence, Path... plugins) {
        assertThatIOException().isThrownBy(() -> DeviceCatalog.of(List.of(plugins))).withMessageContaining(sentence);
    }

    @Test
    void sluicesOwnAreThereWithTheOptionsOfTheirCommands() throws IOException {
        DeviceCatalog catalog = DeviceCatalog.of(List.of());
        assertThat(catalog.names()).isEqualTo("gpu, input, grabber, tw686x, vfg7350, witness, codec");
        for (DeviceCatalog.Entry entry : catalog.all()) {
            assertThat(DeviceArgument.known(entry.provider())).as(entry.provider().name()).containsKeys("dma-mask",
                    "max-segment-size", "max-segments", "boundary", "contiguous", "inject");
        }
        DeviceCatalog.Entry gpu = Objects.requireNonNull(catalog.find("gpu"));
        assertThat(DeviceArgument.known(gpu.provider())).containsKeys("socket-path", "fd", "transport", "outputs",
                "memory", "resolution", "stats", "snapshot-every", "inject", "on-fault", "coherency", "poll-us")
                .doesNotContainKeys("help", "print-capabilities");
        assertThat(DeviceList.text(catalog)).doesNotContain("virgl");
        DeviceCatalog.Entry grabber = Objects.requireNonNull(catalog.find("grabber"));
        assertThat(grabber.provider().options()).extracting(DeviceOption::toString).contains("pattern", "fps=N");
    }

    @Test
    void pluginsComeBehind() throws IOException {
        DeviceCatalog catalog = DeviceCatalog
                .of(List.of(PluginJar.build(folder, "One", "one"), PluginJar.build(folder, "Two", "two")));
        assertThat(catalog.names()).isEqualTo("gpu, input, grabber, tw686x, vfg7350, witness, codec, one, two");
        assertThat(DeviceList.text(catalog)).contains("two: One register. (" + folder.resolve("Two.jar") + ")")
                .contains("  value=N ");
        assertThat(DeviceList.json(catalog)).contains("\"plugin\": \"" + folder.resolve("One.jar") + "\"");
    }

    @Test
    void twoDevicesOfOneNameAreRefused() throws IOException {
        Path gpu = PluginJar.build(folder, "Gpu", "gpu");
        refused("two devices are named gpu, one of Sluice itself and one of " + gpu, gpu);
        Path one = PluginJar.build(folder, "One", "one");
        Path other = PluginJar.build(folder, "Other", "one");
        refused("two devices are named one, one of %s and one of %s".formatted(one, other), one, other);
        refused("two devices are named one", one, one);
    }

    @Test
    void aNameThatCannotBeWrittenIsRefused() throws IOException {
        refused("names a device \"a,b\"", PluginJar.build(folder, "Comma", "a,b"));
    }

    @Test
    void whatIsNoPluginIsToldSo() throws IOException {
        refused("no such file", folder.resolve("none.jar"));
        Path text = Files.writeString(folder.resolve("text.jar"), "not a jar");
        refused("is not a jar", text);
        refused("is not a jar", folder);
        Path empty = Files.createDirectory(folder.resolve("empty"));
        refused("the jar lacks " + PluginJar.SERVICE, PluginJar.pack(folder.resolve("bare.jar"), empty, ""));
        refused("does not name a class", PluginJar.pack(folder.resolve("blank.jar"), empty, "# nothing"));
        refused("plugged.Missing not found",
                PluginJar.pack(folder.resolve("missing.jar"), empty, "plugged.Missing"));
        PluginJar.build(folder, "One", "one");
        refused("not a subtype",
                PluginJar.pack(folder.resolve("other.jar"), folder.resolve("classes-One"), "plugged.One$Register"));
        // Sluice's own provider, named once more: it is not the jar's.
        refused("does not name a class",
                PluginJar.pack(folder.resolve("ours.jar"), empty, GpuProvider.class.getName()));
    }
}
