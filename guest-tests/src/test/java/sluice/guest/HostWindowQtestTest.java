package sluice.guest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.DisplayPeer;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.gpu.GpuStatistics;
import sluice.vdev.io.Listener;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.qemu.QemuHint;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Host memory that a guest maps in the window of a stock QEMU: what its CPU writes there is what the GPU shows. The
 * guest's CPU is the test, over qtest.
 */
@Tag("qtest")
@Tag("matrix")
class HostWindowQtestTest {
    private static final int TYPE = 16;
    private static final int WINDOW_ID = 1;
    private static final long WINDOW = 4 << 20;
    private static final long RINGS = 0x10_0000;
    private static final long COMMANDS = 0x20_0000;
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final int WIDTH = 64;
    private static final int HEIGHT = 48;
    private static final GpuBlobPicture LAYOUT = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, WIDTH, HEIGHT);
    private static final long SIZE = (LAYOUT.end() + 4095L) / 4096 * 4096;
    private static final long VIRGL_UUID_BLOB_CONTEXT_ALIGNMENT = 0x3d;
    private static final long ACCESS_PLATFORM = 1L << 33;

    /** How the GPU is attached. */
    enum Bus {
        VFIO_USER {
            @Override
            Listener listen(GpuBackEnd gpu, Path socket) throws IOException {
                return gpu.listenPci(socket);
            }

            @Override
            List<String> arguments(Path socket) {
                return List.of("-device", QemuHint.function(socket));
            }
        },
        VHOST_USER_TEST_DEVICE {
            @Override
            Listener listen(GpuBackEnd gpu, Path socket) throws IOException {
                return gpu.listen(socket);
            }

            @Override
            List<String> arguments(Path socket) {
                return List.of("-chardev", "socket,id=vdev,path=" + socket, "-device",
                        "vhost-user-test-device-pci,chardev=vdev,virtio-id=16,num_vqs=2,config_size=20");
            }
        };

        abstract Listener listen(GpuBackEnd gpu, Path socket) throws IOException;

        abstract List<String> arguments(Path socket);
    }

    @TempDir
    private Path folder;

    private static void command(SplitQueue control, ByteBuffer request, int expected) throws IOException {
        byte[] bytes = new byte[request.limit()];
        request.get(0, bytes);
        byte[] answer = control.exchange(bytes, COMMANDS, GpuWire.MAP_INFO_BYTES, LIMIT);
        assertThat(ByteBuffer.wrap(answer).order(ByteOrder.LITTLE_ENDIAN).getInt(GpuWire.HDR_TYPE))
                .as("answer to command 0x%x", request.order(ByteOrder.LITTLE_ENDIAN).getInt(GpuWire.HDR_TYPE))
                .isEqualTo(expected);
    }

    private static int[] draw(Qemu qemu, long address, int frame) throws IOException {
        int[] argb = TestPattern.picture(WIDTH, HEIGHT, frame).argb();
        ByteBuffer pixels = ByteBuffer.allocate(argb.length * 4).order(ByteOrder.LITTLE_ENDIAN);
        pixels.asIntBuffer().put(argb);
        qemu.qtest().write(address, pixels.array());
        int[] shown = new int[argb.length];
        for (int i = 0; i < shown.length; i++) shown[i] = argb[i] & 0xffffff;
        return shown;
    }

    @ParameterizedTest
    @EnumSource
    void whatTheGuestWritesInItsWindowIsShown(Bus bus) throws Exception {
        Path socket = folder.resolve("gpu");
        try (GpuBackEnd gpu = GpuBackEnd.withHostBlobs(DmaCore.open(DmaCoreOptions.counting()), Stream.COHERENT,
                WINDOW);
                Listener _ = bus.listen(gpu, socket)) {
            try (Qemu qemu = new QemuLaunch(TestQemu.QEMU_11.binary()).memory(128).qtest()
                    .arguments(bus.arguments(socket)).start()) {
                VirtioPciDriver driver = VirtioPciDriver.find(qemu.qtest(), TYPE);
                assertThat(driver.negotiate(VIRGL_UUID_BLOB_CONTEXT_ALIGNMENT | ACCESS_PLATFORM) & 0xffff)
                        .isEqualTo(VIRGL_UUID_BLOB_CONTEXT_ALIGNMENT);
                SplitQueue control = driver.queue(0, 64, RINGS);
                driver.start();
                DisplayPeer display = DisplayPeer.open(1, WIDTH, HEIGHT);
                gpu.connectDisplay(display.backEndSide().duplicate());
                display.backEndSide().close();
                VirtioPciDriver.Window window = driver.window(WINDOW_ID);
                assertThat(window.bytes()).isEqualTo(WINDOW);

                command(control, GpuCommands.createContext(1, GpuWire.CAPSET_OF_OURS), GpuWire.RESP_OK_NODATA);
                for (int resource = 1; resource <= 2; resource++) {
                    command(control, GpuCommands.createHostBlob(resource, 1, 0, SIZE, List.of()),
                            GpuWire.RESP_OK_NODATA);
                    command(control, GpuCommands.mapBlob(resource, resource * SIZE), GpuWire.RESP_OK_MAP_INFO);
                }
                for (int frame = 0; frame < 4; frame++) {
                    int resource = 1 + frame % 2;
                    int[] drawn = draw(qemu, window.address() + resource * SIZE, frame);
                    command(control, GpuCommands.setScanoutBlob(0, resource, LAYOUT.all(), LAYOUT),
                            GpuWire.RESP_OK_NODATA);
                    command(control, GpuCommands.flush(resource, LAYOUT.all()), GpuWire.RESP_OK_NODATA);
                    display.await(Update.class, frame + 1);
                    assertThat(display.picture(0).pixels()).isEqualTo(drawn);
                }
                assertThat(gpu.statistic(GpuStatistics::transferBytes)).isZero();
                assertThat(gpu.statistic(GpuStatistics::movedBytes)).isZero();
                command(control, GpuCommands.unmapBlob(1), GpuWire.RESP_OK_NODATA);
                command(control, GpuCommands.unref(1), GpuWire.RESP_OK_NODATA);
                assertThat(qemu.qtest().readq(window.address() + SIZE)).as("freed").isZero();
                driver.reset();
                display.close();
            }
            gpu.awaitGone();
        }
    }
}
