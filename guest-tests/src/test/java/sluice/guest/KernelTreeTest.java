package sluice.guest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.vdev.qemu.CacheFolder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

/** What is read from a kernel that somebody has built. */
class KernelTreeTest {
    private static final String RELEASE = "6.12.9-mine";

    @TempDir
    private Path folder;

    private static byte[] image(String version) {
        ByteBuffer setup = ByteBuffer.allocate(0x1000).order(ByteOrder.LITTLE_ENDIAN);
        setup.put(0x202, "HdrS".getBytes(StandardCharsets.US_ASCII));
        setup.putShort(0x20E, (short) 0x300);
        setup.put(0x500, (version + " (me@here) #1 SMP\0").getBytes(StandardCharsets.US_ASCII));
        return setup.array();
    }

    /** A module with no code: an ELF header, two sections, and their headers. */
    private static byte[] module(String information) {
        byte[] texts = information.getBytes(StandardCharsets.UTF_8);
        byte[] names = "\0.modinfo\0.shstrtab\0".getBytes(StandardCharsets.US_ASCII);
        int table = 64 + texts.length + names.length;
        ByteBuffer elf = ByteBuffer.allocate(table + 3 * 64).order(ByteOrder.LITTLE_ENDIAN);
        elf.put(0, new byte[]{ 0x7F, 'E', 'L', 'F', 2, 1, 1 });
        elf.putLong(0x28, table).putShort(0x3A, (short) 64).putShort(0x3C, (short) 3).putShort(0x3E, (short) 2);
        elf.put(64, texts).put(64 + texts.length, names);
        elf.putInt(table + 64, 1).putLong(table + 64 + 0x18, 64).putLong(table + 64 + 0x20, texts.length);
        elf.putInt(table + 128, 10).putLong(table + 128 + 0x18, 64 + texts.length)
                .putLong(table + 128 + 0x20, names.length);
        return elf.array();
    }

    private void write(String name, byte[] content) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.write(file, content);
    }

    private void write(String name, String content) throws IOException {
        write(name, content.getBytes(StandardCharsets.UTF_8));
    }

    private void tree() throws IOException {
        write("arch/x86/boot/bzImage", image(RELEASE));
        write("include/config/kernel.release", RELEASE + "\n");
        write(".config", "CONFIG_PCI=y\nCONFIG_DRM=m\n# CONFIG_UDMABUF is not set\nCONFIG_HZ=250\n");
        write("modules.order", "drivers/a/card.o\ndrivers/b/bus-core.ko\nkernel/lib/old.ko\ndrivers/c/unbuilt.o\n");
        write("modules.builtin", "kernel/drivers/d/built.ko\n");
        write("drivers/a/card.ko",
                module("license=GPL\0depends=bus-core,old\0name=card\0vermagic=" + RELEASE + " SMP \0"));
        write("drivers/b/bus-core.ko", module("depends=built,old\0name=bus_core\0"));
        write("lib/old.ko", module("depends=\0"));
    }

    @Test
    void aTreeTellsReleaseConfigurationAndModules() throws Exception {
        tree();
        GuestKernel kernel = GuestKernel.built(folder);
        assertThat(kernel.release()).isEqualTo(RELEASE);
        KernelConfig config = kernel.config().orElseThrow();
        assertThat(config.has("PCI")).isTrue();
        assertThat(config.has("DRM")).isTrue();
        assertThat(config.has("UDMABUF")).isFalse();
        assertThat(config.has("HZ")).isFalse();
        assertThat(kernel.has("bus-core")).isTrue();
        assertThat(kernel.has("built")).isTrue();
        assertThat(kernel.has("unbuilt")).isFalse();
        assertThat(ModuleOrder.of(kernel).load(List.of("card"))).containsExactly("lib/old.ko", "drivers/b/bus-core.ko",
                "drivers/a/card.ko");
    }

    @Test
    void anInstalledImageHasItsModulesBesideIt() throws Exception {
        write("bzImage", image(RELEASE));
        assertThatIOException().isThrownBy(() -> GuestKernel.built(folder))
                .withMessageContaining("no modules: run make");
        write("lib/modules/" + RELEASE + "/modules.dep", "kernel/a.ko:\n");
        assertThat(GuestKernel.built(folder).release()).isEqualTo(RELEASE);
        assertThat(GuestKernel.built(folder).has("a")).isTrue();
        write("vmlinuz-2", image("2"));
        assertThatIOException().isThrownBy(() -> GuestKernel.built(folder))
                .withMessageContaining("several kernel images");
    }

    @Test
    void whatIsNotBuiltIsNamedWithTheTargetThatBuildsIt() throws Exception {
        assertThatIOException().isThrownBy(() -> GuestKernel.built(folder.resolve("none")))
                .withMessageContaining("not a folder");
        assertThatIOException().isThrownBy(() -> GuestKernel.built(folder))
                .withMessageContaining("no arch/x86/boot/bzImage: run make bzImage modules there");
        tree();
        assertThatIOException().isThrownBy(() -> GuestKernel.built(folder).headers(new CacheFolder(folder)))
                .withMessageContaining("has no Makefile").withMessageContaining("run make bzImage modules there");
        write("include/config/kernel.release", "6.12.10\n");
        assertThatIOException().isThrownBy(() -> GuestKernel.built(folder)).withMessageContaining("6.12.10: run make");
    }

    @Test
    void aBrokenImageIsRefused() throws Exception {
        byte[] whole = image(RELEASE);
        for (int length : new int[]{ 0, 0x202, 0x210, 0x500, 0x505 }) {
            write("arch/x86/boot/bzImage", Arrays.copyOf(whole, length));
            assertThatIOException().as("%d bytes", length).isThrownBy(() -> GuestKernel.built(folder));
        }
    }

    @Test
    void aBrokenModuleIsRefusedAndNothingElseHappens() throws Exception {
        byte[] whole = module("depends=a\0name=b\0");
        Path file = folder.resolve("m.ko");
        Random random = new Random(1);
        int refused = 0;
        for (int round = 0; round < 2000; round++) {
            byte[] broken = whole.clone();
            for (int i = 0; i < 4; i++) broken[random.nextInt(broken.length)] = (byte) random.nextInt();
            Files.write(file, round % 2 == 0 ? broken : Arrays.copyOf(broken, random.nextInt(broken.length)));
            try {
                ModuleFile.read(file).dependencies();
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("not a kernel module");
                refused++;
            }
        }
        assertThat(refused).isBetween(1000, 1999);
    }
}
