package sluice.guest;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.vdev.qemu.CacheFolder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class ModuleOrderTest {
    private final ModuleOrder order = new ModuleOrder(
            List.of("kernel/d/virtio-gpu.ko.xz: kernel/v/virtio_dma_buf.ko.xz kernel/d/shmem.ko.xz kernel/d/kms.ko.xz kernel/d/drm.ko.xz",
                    "kernel/d/kms.ko.xz: kernel/d/drm.ko.xz",
                    "kernel/d/shmem.ko.xz: kernel/d/kms.ko.xz kernel/d/drm.ko.xz",
                    "kernel/d/drm.ko.xz:", "kernel/v/virtio_dma_buf.ko.xz:", "kernel/x/a.ko: kernel/x/b.ko",
                    "kernel/x/b.ko: kernel/x/a.ko"),
            List.of("kernel/drivers/virtio/virtio_pci.ko"));

    @Test
    void dependenciesComeFirstAndOnce() throws Exception {
        assertThat(order.load(List.of("virtio_gpu", "shmem"))).containsExactly("kernel/d/drm.ko.xz",
                "kernel/d/kms.ko.xz", "kernel/d/shmem.ko.xz", "kernel/v/virtio_dma_buf.ko.xz",
                "kernel/d/virtio-gpu.ko.xz");
    }

    @Test
    void hyphensAndUnderscoresAreTheSame() throws Exception {
        assertThat(order.load(List.of("virtio-dma-buf"))).containsExactly("kernel/v/virtio_dma_buf.ko.xz");
    }

    @Test
    void aBuiltInModuleNeedsNoFile() throws Exception {
        assertThat(order.load(List.of("virtio-pci"))).isEmpty();
    }

    @Test
    void anUnknownModuleIsNamed() {
        assertThatThrownBy(() -> order.load(List.of("nvidia"))).isInstanceOf(IOException.class)
                .hasMessageContaining("no module nvidia");
    }

    @Test
    void aCycleEndsWithAnError() {
        assertThatThrownBy(() -> order.load(List.of("a"))).isInstanceOf(IOException.class)
                .hasMessageContaining("cycle through a");
    }

    /** What modules say of themselves is what depmod has found for the same modules by their symbols. */
    @Test
    void modulesThatNobodyHasInstalledAreLoadedAsDepmodWouldHave(@TempDir Path folder) throws Exception {
        GuestKernel debian = GuestKernel.named("current", CacheFolder.ofUser());
        GuestKernel built = GuestKernel.built(BuiltTree.unresolved(debian, folder));
        assertThat(built.release()).isEqualTo(debian.release());
        for (String module : List.of("saa7134-empress", "virtio-gpu", "vivid", "9p", "virtio_iommu")) {
            List<String> loaded = ModuleOrder.of(built).load(List.of(module));
            assertThat(loaded).as(module)
                    .containsExactlyInAnyOrderElementsOf(ModuleOrder.of(debian).load(List.of(module))).endsWith(
                            ModuleOrder.of(debian).load(List.of(module)).getLast());
            for (String file : loaded) {
                assertThat(loaded.subList(0, loaded.indexOf(file)).stream().map(ModuleOrder::name)).as(file)
                        .containsAll(
                                ModuleFile.read(folder.resolve(file)).dependencies().stream().map(ModuleOrder::name)
                                        .toList());
            }
        }
    }
}
