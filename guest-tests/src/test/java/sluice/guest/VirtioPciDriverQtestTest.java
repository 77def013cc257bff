package sluice.guest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The scripted driver. QEMU's own GPU and the C peer prove it right; then what it asks of ours is a test of ours. */
@Tag("qtest")
class VirtioPciDriverQtestTest {
    private static final int GPU = 16;
    private static final long EDID = 1L << 1;
    private static final long RINGS = 0x10_0000;
    private static final long CURSOR_RINGS = 0x18_0000;
    private static final long BUFFERS = 0x20_0000;
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final int GET_DISPLAY_INFO = 0x100;
    private static final int OK_DISPLAY_INFO = 0x1101;

    private static Qemu machine(List<String> arguments) throws IOException, InterruptedException {
        return new QemuLaunch(TestQemu.QEMU_10.binary()).memory(128).qtest().arguments(arguments).start();
    }

    static List<GpuProvider> gpus() {
        return TestGpus.all();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("gpus")
    void theDisplayIsDescribed(GpuProvider provider) throws IOException, InterruptedException {
        try (Gpu gpu = provider.start();
                Qemu qemu = machine(gpu.qemuArguments("xres=800,yres=600"))) {
            VirtioPciDriver driver = VirtioPciDriver.find(qemu.qtest(), GPU);
            assertThat(driver.negotiate(EDID)).isEqualTo(EDID | VirtioPciDriver.VERSION_1);
            assertThat(driver.queues()).isEqualTo(2);
            SplitQueue control = driver.queue(0, 64, RINGS);
            driver.queue(1, 16, CURSOR_RINGS);
            driver.start();

            ByteBuffer request = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN).putInt(0, GET_DISPLAY_INFO);
            for (int round = 0; round < 130; round++) { // more often than the ring has entries
                byte[] answer = control.exchange(request.array(), BUFFERS, 408, LIMIT);
                assertThat(answer).hasSize(408);
                ByteBuffer display = ByteBuffer.wrap(answer).order(ByteOrder.LITTLE_ENDIAN);
                assertThat(display.getInt(0)).isEqualTo(OK_DISPLAY_INFO);
                assertThat(display.getInt(24 + 8)).as("width").isEqualTo(800);
                assertThat(display.getInt(24 + 12)).as("height").isEqualTo(600);
                assertThat(display.getInt(24 + 16)).as("enabled").isEqualTo(1);
            }
            assertThat(driver.config32(8)).as("num_scanouts").isEqualTo(1);
        }
    }

    @Test
    void memoryReadsBackAsWritten() throws IOException, InterruptedException {
        try (Qemu qemu = machine(List.of())) {
            byte[] block = new byte[200_001];
            for (int i = 0; i < block.length; i++) {
                block[i] = (byte) (i * 31);
            }
            qemu.qtest().write(BUFFERS, block);
            assertThat(qemu.qtest().read(BUFFERS, block.length)).isEqualTo(block);
            qemu.qtest().writeq(BUFFERS, 0xFEDC_BA98_7654_3210L);
            assertThat(qemu.qtest().readq(BUFFERS)).isEqualTo(0xFEDC_BA98_7654_3210L);
            assertThat(qemu.qtest().readl(BUFFERS + 4)).isEqualTo(0xFEDC_BA98);
            assertThat(qemu.qtest().readw(BUFFERS)).isEqualTo(0x3210);
            assertThat(qemu.qtest().readb(BUFFERS + 1)).isEqualTo(0x32);
        }
    }

    @Test
    void aMissingDeviceIsNamed() throws IOException, InterruptedException {
        try (Qemu qemu = machine(List.of())) {
            assertThatThrownBy(() -> VirtioPciDriver.find(qemu.qtest(), GPU)).isInstanceOf(IOException.class)
                    .hasMessage("there is no PCI device 1af4:1050 on bus 0");
        }
    }

    @Test
    void aMachineThatDoesNotStartSaysWhy() {
        assertThatThrownBy(() -> machine(List.of("-device", "no-such-device"))).isInstanceOf(IOException.class)
                .hasMessageContaining("QEMU did not start").hasMessageContaining("no-such-device");
    }
}
