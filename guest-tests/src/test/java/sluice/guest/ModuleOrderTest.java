package sluice.guest;

import java.io.IOException;
import java.util.List;

import org.junit.jupiter.api.Test;

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
    void dependenciesComeFirstAndOnce() throws IOException {
        assertThat(order.load(List.of("virtio_gpu", "shmem"))).containsExactly("kernel/d/drm.ko.xz",
                "kernel/d/kms.ko.xz", "kernel/d/shmem.ko.xz", "kernel/v/virtio_dma_buf.ko.xz",
                "kernel/d/virtio-gpu.ko.xz");
    }

    @Test
    void hyphensAndUnderscoresAreTheSame() throws IOException {
        assertThat(order.load(List.of("virtio-dma-buf"))).containsExactly("kernel/v/virtio_dma_buf.ko.xz");
    }

    @Test
    void aBuiltInModuleNeedsNoFile() throws IOException {
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
}
