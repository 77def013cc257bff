package sluice.vdev.media;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.codec.plain.PlainUnits;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/** The end of a drain: an empty buffer after the last picture, as soon as there is one. */
@Tag("loopback")
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class DrainLoopbackTest {
    private static final int W = 64;
    private static final int H = 48;
    /** So that the drain brings the only picture. */
    private static final int DELAY = 1;

    private static MediaDriver.Event nextCaptured(MediaDriver driver) throws Exception {
        MediaDriver.Event event = driver.event();
        while (!event.isBuffer() || event.type() != MediaDriver.CAPTURE)
            event = driver.event();
        return event;
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 2, 5 })
    void theLastBufferIsEmpty(int buffers) throws Exception {
        try (ServedDevice device = new ServedDevice(new CodecProvider(), "transport", "vfio-user", "test-coding", "",
                "arena", "8");
                GuestRam ram = GuestRam.single(1 << 20, 1);
                VirtioPciSession session = new VirtioPciSession(device.client(), ram, VhostUserBits.F_VERSION_1, 64,
                        64)) {
            session.attach();
            session.start(null);
            MediaDriver driver = new MediaDriver(session);
            int id = driver.open();
            assertThat(driver.setFormat(id, MediaDriver.OUTPUT, "SLPL", W, H)).isZero();
            assertThat(driver.request(id, MediaDriver.OUTPUT, 1, V4l2.MEMORY_MMAP)).isEqualTo(1);
            assertThat(driver.request(id, MediaDriver.CAPTURE, buffers, V4l2.MEMORY_MMAP)).isEqualTo(buffers);
            assertThat(driver.stream(id, MediaDriver.OUTPUT, true)).isZero();
            assertThat(driver.stream(id, MediaDriver.CAPTURE, true)).isZero();
            for (int i = 0; i < buffers; i++) assertThat(driver.queue(id, MediaDriver.CAPTURE, i, 0, 0)).isZero();
            long at = driver.map(id, driver.query(id, MediaDriver.OUTPUT, 0).getInt(96)).offset();
            ByteBuffer unit = PlainUnits.pattern(W, H, 7, 0, DELAY).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < unit.limit(); i += Integer.BYTES) session.client().write32(4, at + i, unit.getInt(i));
            assertThat(driver.queue(id, MediaDriver.OUTPUT, 0, unit.limit(), 1)).isZero();
            assertThat(driver.command(id, V4l2.CMD_STOP)).isZero();

            MediaDriver.Event picture = nextCaptured(driver);
            assertThat(picture.used()).isPositive();
            assertThat(picture.flags() & V4l2.BUF_LAST).isZero();
            if (buffers == 1) assertThat(driver.queue(id, MediaDriver.CAPTURE, 0, 0, 0)).isZero();
            MediaDriver.Event last = nextCaptured(driver);
            assertThat(last.used()).isZero();
            assertThat(last.flags() & V4l2.BUF_LAST).isEqualTo(V4l2.BUF_LAST);
        }
    }
}
