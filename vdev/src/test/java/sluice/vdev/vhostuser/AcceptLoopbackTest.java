package sluice.vdev.vhostuser;

import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.linux.DescriptorLimit;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.ErrnoException;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.io.Listener;
import sluice.vdev.loopback.GpuBackEnd;

import static org.assertj.core.api.Assertions.assertThat;

/** A front-end that connects while the process has no free descriptor. epoll does not report it again. */
class AcceptLoopbackTest {
    @TempDir
    private Path directory;

    @Test
    void itIsServedWhenThereIsADescriptorAgain() throws Exception {
        Path path = directory.resolve("gpu.sock");
        // What the limit would keep from being loaded.
        assertThat(new ErrnoException("accept4", Errno.EMFILE)).hasMessageContaining("EMFILE");
        try (GpuBackEnd backEnd = new GpuBackEnd(GpuOptions.defaults())) {
            Listener listener = backEnd.listen(path);
            // One is served, one waits, and the third is rejected, which is logged.
            try (FrontEnd first = new FrontEnd(UnixSocket.connect(path))) {
                assertThat(first.getQueueNum()).isEqualTo(2);
                try (FrontEnd second = new FrontEnd(UnixSocket.connect(path))) {
                    assertThat(second.closedWithin(Deadline.USUAL)).isTrue();
                }
            }
            backEnd.awaitGone();
            Fd socket;
            try (var _ = DescriptorLimit.oneLeft()) {
                socket = UnixSocket.connect(path);
                Deadline.in(Deadline.USUAL).require(() -> backEnd.log().count("accepting a front-end failed") > 0,
                        "the refusal of a descriptor");
            }
            try (FrontEnd late = new FrontEnd(socket)) {
                assertThat(late.getQueueNum()).isEqualTo(2);
            }
            backEnd.awaitGone();
            listener.close();
            backEnd.settle();
        }
    }
}
