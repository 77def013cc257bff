package sluice.vdev.vhostuser;

import java.io.IOException;
import java.util.concurrent.TimeUnit;

import io.netty.channel.IoEventLoop;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.linux.UnixSocket;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.host.DeviceHost;
import sluice.vdev.host.HostLoop;
import sluice.vdev.host.Loops;
import sluice.vdev.loopback.ClockedLoop;
import sluice.vdev.loopback.LogTap;
import sluice.vdev.virtiopci.EchoDevice;

import static org.assertj.core.api.Assertions.assertThat;

/** A VM whose memory is not shared sends none, and shows nothing: after three seconds the log says why. */
@Timeout(60)
class MemoryHintTest {
    private static final String HINT = "sent no guest memory";
    private static final long ACCEPTED = 1L << 32 | 1L << 30;
    private static final int SECONDS = 3;

    private final LogTap log = new LogTap();
    private ClockedLoop control;
    private final IoEventLoop device = Loops.start("hint-device");
    private FrontEnd frontEnd;
    private volatile boolean gone;

    @BeforeEach
    void connect() throws IOException {
        control = new ClockedLoop("hint-control");
        UnixSocket.Pair pair = UnixSocket.pair();
        BackEnd backEnd = new BackEnd(new DeviceHost(new EchoDevice(), new HostLoop("echo", device)),
                FileMappings.ofProcess(), null);
        control.loop().execute(() -> backEnd.serve(pair.second(), control.loop(), () -> gone = true));
        frontEnd = new FrontEnd(pair.first());
        frontEnd.setFeatures(ACCEPTED);
        frontEnd.getFeatures(); // its answer comes after what was sent before is done
    }

    @AfterEach
    void end() {
        frontEnd.close();
        Deadline.in(Deadline.USUAL).require(() -> gone, "the end of the session");
        control.close();
        Loops.stop(device);
        log.close();
        log.requireNoInternalError();
    }

    @Test
    void withoutMemoryItIsToldOnceAfterThreeSeconds() throws Exception {
        control.advance(TimeUnit.SECONDS.toMillis(SECONDS) - 1, TimeUnit.MILLISECONDS);
        assertThat(log.count(HINT)).isZero();
        frontEnd.setFeatures(ACCEPTED);
        frontEnd.getFeatures();
        control.advance(1, TimeUnit.MILLISECONDS);
        assertThat(log.count(HINT)).isEqualTo(1);
        control.advance(1, TimeUnit.HOURS);
        assertThat(log.count(HINT)).isEqualTo(1);
    }

    @Test
    void withMemoryInTimeItIsNotTold() throws Exception {
        try (GuestRam ram = GuestRam.single(1 << 16, 1)) {
            control.advance(TimeUnit.SECONDS.toMillis(SECONDS) - 1, TimeUnit.MILLISECONDS);
            frontEnd.setMemTable(ram);
            frontEnd.getFeatures();
            control.advance(1, TimeUnit.HOURS);
            frontEnd.setFeatures(ACCEPTED); // a guest that boots again, with the memory it has
            frontEnd.getFeatures();
            control.advance(1, TimeUnit.HOURS);
            assertThat(log.count(HINT)).isZero();
        }
    }

    @Test
    void ofAFrontEndThatHasGoneItIsNotTold() {
        frontEnd.close();
        Deadline.in(Deadline.USUAL).require(() -> gone, "the end of the session");
        control.advance(1, TimeUnit.HOURS);
        assertThat(log.count(HINT)).isZero();
    }
}
