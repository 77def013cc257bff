package sluice.vdev.serve;

import java.io.IOException;

import io.netty.channel.IoEventLoop;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.SignalFd;
import sluice.vdev.io.EventWatch;

/**
 * SIGUSR2, which makes a process write its devices' pictures and reports. Watched once per process: of two readers only
 * one would receive each signal.
 */
final class PictureSignal {
    private static final Logger LOG = LoggerFactory.getLogger(PictureSignal.class);

    private PictureSignal() {}

    /** Calls {@code show} on the loop {@code control} each time. */
    static void watch(IoEventLoop control, Runnable show) throws IOException {
        if (!SignalFd.isBlocked(SignalFd.SIGUSR2)) {
            LOG.debug(
                    "SIGUSR2 is not blocked and will not be handled; start Sluice with its launcher, which blocks it");
            return;
        }
        control.execute(() -> {
            try {
                Fd signals = SignalFd.open(SignalFd.SIGUSR2);
                EventWatch.start(control, signals, () -> onSignal(signals, show));
            } catch (IOException e) {
                LOG.error("SIGUSR2 cannot be received: {}", e.getMessage());
            }
        });
    }

    private static void onSignal(Fd signals, Runnable show) {
        try {
            while (SignalFd.read(signals) != 0)
                show.run();
        } catch (IOException e) {
            LOG.error("SIGUSR2 cannot be received: {}", e.getMessage());
        }
    }
}
