package sluice.vdev.media;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.linux.Errno;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/** What is an encoder's only, or not an encoder's (dev-encoder.rst). */
@Tag("loopback")
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class EncoderLoopbackTest {
    private static final int SIDE = 64;

    private GuestRam ram;
    private ServedDevice device;
    private VirtioPciSession session;
    private MediaDriver driver;
    private int id;

    @BeforeEach
    void start() throws Exception {
        ram = GuestRam.single(1 << 20, 1);
        device = new ServedDevice(new CodecProvider(), "transport", "vfio-user", "test-coding", "", "arena", "8",
                "encoder", "");
        session = new VirtioPciSession(device.client(), ram,
                VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, 64, 64);
        session.attach();
        session.start(null);
        driver = new MediaDriver(session);
        id = driver.open();
    }

    @AfterEach
    void end() {
        session.close();
        ram.close();
        device.close();
    }

    private ByteBuffer parameters(Ioctl ioctl, int type, int numerator, int denominator) throws IOException {
        ByteBuffer all = MediaDriver.little(Struct.Parameters.BYTES).putInt(0, type).putInt(12, numerator).putInt(16,
                denominator);
        assertThat(driver.call(id, ioctl, all)).isZero();
        return all;
    }

    private void assertRate(int type, int pictures, int seconds) throws IOException {
        ByteBuffer all = parameters(Ioctl.G_PARM, type, 0, 0);
        assertThat(all.getInt(12)).isEqualTo(seconds);
        assertThat(all.getInt(16)).isEqualTo(pictures);
    }

    /** The rate of OUTPUT is the stream's, until the client says another; the format says that it may. */
    @Test
    void theStreamMayHaveARateOfItsOwn() throws Exception {
        ByteBuffer format = MediaDriver.little(Struct.FmtDesc.BYTES).putInt(4, MediaDriver.CAPTURE);
        assertThat(driver.call(id, Ioctl.ENUM_FMT, format)).isZero();
        assertThat(format.getInt(8)).isEqualTo(V4l2.FMT_COMPRESSED | V4l2.FMT_ENC_CAP_FRAME_INTERVAL);
        parameters(Ioctl.S_PARM, MediaDriver.OUTPUT, 1, 25);
        assertRate(MediaDriver.OUTPUT, 25, 1);
        assertRate(MediaDriver.CAPTURE, 25, 1);
        parameters(Ioctl.S_PARM, MediaDriver.CAPTURE, 1, 50);
        assertRate(MediaDriver.OUTPUT, 25, 1);
        assertRate(MediaDriver.CAPTURE, 50, 1);
        parameters(Ioctl.S_PARM, MediaDriver.OUTPUT, 1, 30);
        assertRate(MediaDriver.CAPTURE, 30, 1);
    }

    /** What the client says of a picture's time is said of its coded one. */
    @Test
    void theMarksOfAPictureComeBack() throws Exception {
        int said = V4l2.BUF_TIMECODE | 0x1_0000;
        assertThat(driver.setFormat(id, MediaDriver.OUTPUT, "YU12", SIDE, SIDE)).isZero();
        for (int type : new int[]{ MediaDriver.OUTPUT, MediaDriver.CAPTURE }) {
            assertThat(driver.request(id, type, 1, V4l2.MEMORY_MMAP)).isEqualTo(1);
            assertThat(driver.stream(id, type, true)).isZero();
        }
        for (int flags : new int[]{ said, 0 }) {
            assertThat(driver.queue(id, MediaDriver.CAPTURE, 0, 0, 0)).isZero();
            ByteBuffer picture = MediaDriver.buffer(MediaDriver.OUTPUT, 0, V4l2.MEMORY_MMAP, 1).putInt(12, flags)
                    .putLong(24, 1 + flags).putInt(88, SIDE * SIDE * 3 / 2);
            assertThat(driver.call(id, Ioctl.QBUF, picture)).isZero();
            for (int i = 0; i < 2; i++) {
                MediaDriver.Event event = driver.event();
                if (event.type() == MediaDriver.CAPTURE)
                    assertThat(event.flags() & (V4l2.BUF_TIMECODE | V4l2.BUF_TSTAMP_SRC)).isEqualTo(flags);
            }
        }
    }

    @Test
    void itsSourceDoesNotChange() throws Exception {
        assertThat(driver.subscribe(id, V4l2.EVENT_SOURCE_CHANGE, 0, 0)).isEqualTo(Errno.EINVAL);
        assertThat(driver.subscribe(id, V4l2.EVENT_EOS, 0, 0)).isZero();
    }
}
