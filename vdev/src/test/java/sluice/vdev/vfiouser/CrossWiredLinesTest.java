package sluice.vdev.vfiouser;

import java.io.IOException;

import io.netty.channel.IoEventLoop;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.host.Loops;

import static org.assertj.core.api.Assertions.assertThat;

/** Two functions of one front-end: the line of each would unmask that of the other, again and again. */
@Timeout(60)
class CrossWiredLinesTest {
    private static final byte[] NO_DATA = {};
    private static final int LINE = VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER;
    private static final int UNMASK = VfioUserClient.DATA_EVENTFD | VfioUserClient.UNMASK;

    private final IoEventLoop control = Loops.start("cross-wired");
    private PlainFunction first;
    private PlainFunction second;
    private FunctionProcess one;
    private FunctionProcess other;

    @BeforeEach
    void start() throws IOException {
        first = new PlainFunction();
        second = new PlainFunction();
        one = new FunctionProcess(first, control);
        other = new FunctionProcess(second, control);
    }

    @AfterEach
    void end() {
        one.close();
        other.close();
        first.close();
        second.close();
        Loops.stop(control);
    }

    private static int set(VfioUserClient client, int what, Fd event) throws IOException {
        return client.setIrqs(what, VfioUserClient.LINE, 0, 1, NO_DATA, event);
    }

    @Test
    void aLineDoesNotUnmaskAnothersThatUnmasksIt() throws Exception {
        try (Fd event = EventFd.create(); Fd same = event.duplicate(); Fd back = EventFd.create()) {
            try (VfioUserClient a = one.agreed(); VfioUserClient b = other.agreed()) {
                assertThat(set(a, LINE, event)).isZero();
                assertThat(set(b, LINE, back)).isZero();
                assertThat(set(b, UNMASK, same)).isEqualTo(Errno.EINVAL);
                assertThat(set(a, UNMASK, back)).isEqualTo(Errno.EINVAL);
                assertThat(set(b, LINE, same)).as("two lines on one eventfd go round nowhere").isZero();
                assertThat(set(a, UNMASK, back)).as("which no line signals any more").isZero();
                assertThat(set(a, LINE, back)).isEqualTo(Errno.EINVAL);
                assertThat(set(b, UNMASK, back)).as("one eventfd may unmask two").isZero();
            }
            one.awaitGone();
            other.awaitGone();
            try (VfioUserClient next = other.agreed()) {
                assertThat(set(next, UNMASK, event)).as("those before have gone").isZero();
                assertThat(set(next, LINE, back)).isZero();
            }
            other.awaitGone();
        }
    }
}
