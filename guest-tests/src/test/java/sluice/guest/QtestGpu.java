package sluice.guest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;

import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;

import static org.assertj.core.api.Assertions.assertThat;

/** A driver of a virtio GPU in a machine without a guest: it has one resource, in one piece of memory. */
final class QtestGpu {
    static final int WIDTH = 640;
    static final int HEIGHT = 480;
    /** What its screen must be told to be. */
    static final String SIZE = "xres=" + WIDTH + ",yres=" + HEIGHT;

    private static final int TYPE = 16;
    private static final long RINGS = 0x10_0000;
    private static final long CURSOR_RINGS = 0x18_0000;
    private static final long COMMANDS = 0x20_0000;
    private static final long PIXELS = 0x40_0000;
    private static final int RESOURCE = 7;
    private static final int NUM_SCANOUTS = 8;
    private static final int BLOB_ALIGNMENT = 16;
    private static final GpuRect ALL = GpuRect.of(WIDTH, HEIGHT);
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final Qemu qemu;
    private final VirtioPciDriver driver;
    private final SplitQueue control;
    private final long offered;

    /** Finds the device, settles the features and starts both queues. */
    QtestGpu(Qemu qemu) throws IOException {
        this.qemu = qemu;
        driver = VirtioPciDriver.find(qemu.qtest(), TYPE);
        offered = driver.deviceFeatures();
        driver.negotiate(0);
        control = driver.queue(0, 64, RINGS);
        driver.queue(1, 16, CURSOR_RINGS);
        driver.start();
    }

    /** The device's feature bits as a driver sees them. */
    long offered() {
        return offered;
    }

    /** How many scan-outs the configuration names; 0 if the front-end could not read it. */
    int scanouts() throws IOException {
        return driver.config32(NUM_SCANOUTS);
    }

    /** The last field of a configuration of 20 bytes. */
    int blobAlignment() throws IOException {
        return driver.config32(BLOB_ALIGNMENT);
    }

    /** Makes the resource and puts it on the screen. */
    void show() throws IOException {
        Buffer memory = new Buffer(PIXELS, WIDTH * HEIGHT * 4L);
        command(GpuCommands.createResource2d(RESOURCE, GpuWire.FORMAT_B8G8R8X8, WIDTH, HEIGHT));
        ByteBuffer entries = GpuCommands.entries(List.of(memory));
        ByteBuffer attach = GpuCommands.attachBacking(RESOURCE, 1);
        command(ByteBuffer.allocate(attach.limit() + entries.limit()).put(attach).put(entries));
        command(GpuCommands.setScanout(0, RESOURCE, ALL));
    }

    /** Draws a frame of the test pattern, and waits until QEMU shows it. */
    void draw(int frame) throws IOException, InterruptedException {
        Picture picture = TestPattern.picture(WIDTH, HEIGHT, frame);
        ByteBuffer pixels = ByteBuffer.allocate(WIDTH * HEIGHT * 4).order(ByteOrder.LITTLE_ENDIAN);
        pixels.asIntBuffer().put(picture.argb());
        qemu.qtest().write(PIXELS, pixels.array());
        command(GpuCommands.transferToHost2d(RESOURCE, ALL, 0));
        command(GpuCommands.flush(RESOURCE, ALL));
        assertThat(qemu.awaitScreen(picture, LIMIT).map(Picture.Difference::sentence)).isEmpty();
    }

    /** The display's size as the device tells it. */
    GpuRect display() throws IOException {
        byte[] answer = control.exchange(bytes(GpuCommands.getDisplayInfo()), COMMANDS, GpuWire.DISPLAY_INFO_BYTES,
                LIMIT);
        ByteBuffer info = ByteBuffer.wrap(answer).order(ByteOrder.LITTLE_ENDIAN);
        return GpuRect.of(info.getInt(GpuWire.HDR_BYTES + 8), info.getInt(GpuWire.HDR_BYTES + 12));
    }

    /** Takes the device back to where a driver finds it. */
    void reset() throws IOException {
        driver.reset();
    }

    private void command(ByteBuffer request) throws IOException {
        byte[] answer = control.exchange(bytes(request), COMMANDS, GpuWire.HDR_BYTES, LIMIT);
        assertThat(ByteBuffer.wrap(answer).order(ByteOrder.LITTLE_ENDIAN).getInt(GpuWire.HDR_TYPE))
                .as("answer to command 0x%x", request.order(ByteOrder.LITTLE_ENDIAN).getInt(GpuWire.HDR_TYPE))
                .isEqualTo(GpuWire.RESP_OK_NODATA);
    }

    /** All of a request, whatever its position. */
    private static byte[] bytes(ByteBuffer request) {
        byte[] bytes = new byte[request.limit()];
        request.get(0, bytes);
        return bytes;
    }
}
