package sluice.vdev.io;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

import sluice.vdev.loopback.LogTap;

import static org.assertj.core.api.Assertions.assertThat;

/** A peer causes lines without end, and the log has one. */
class PeerLogTest {
    private final LogTap tap = new LogTap();
    private final AtomicLong now = new AtomicLong(-5);
    private final PeerLog log = new PeerLog(LoggerFactory.getLogger("sluice.test"), now::get);

    @AfterEach
    void close() {
        tap.close();
    }

    @Test
    void tellsTheFirstLinesAndThenOneASecondWithTheNumberOfThoseLeftOut() {
        for (int i = 0; i < 1000; i++) log.warn("message {} is refused", i);
        assertThat(tap.complaints()).hasSize(PeerLog.BURST).last()
                .isEqualTo("message %d is refused".formatted(PeerLog.BURST - 1));
        now.addAndGet(TimeUnit.SECONDS.toNanos(1));
        for (int i = 1000; i < 2000; i++) log.warn("message {} is refused", i);
        assertThat(tap.complaints()).hasSize(PeerLog.BURST + 1).last().isEqualTo(
                "message 1000 is refused (%d similar lines were left out)".formatted(1000 - PeerLog.BURST));
    }

    @Test
    void eachKindHasItsOwnLines() {
        for (int i = 0; i < 1000; i++) log.warn("one {}", i);
        log.error("another {}", 1);
        assertThat(tap.complaints()).last().isEqualTo("another 1");
    }

    @Test
    void aPauseGivesTheFirstLinesBackAndNoMore() {
        for (int i = 0; i < 100; i++) log.warn("one {}", i);
        now.addAndGet(TimeUnit.HOURS.toNanos(1));
        for (int i = 0; i < 100; i++) log.warn("one {}", i);
        assertThat(tap.complaints()).hasSize(2 * PeerLog.BURST);
    }

    @Test
    void keepsTheStackTraceOfAMistakeOfOurs() {
        RuntimeException mistake = new RuntimeException("a mistake");
        log.error("{} failed", "it", mistake);
        tap.close();
        assertThat(tap.complaints()).containsExactly("it failed");
        assertThat(tap.thrown()).containsExactly(mistake);
    }
}
