package sluice.dmacore.linux;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class FdTest {
    /** High enough that no file opened meanwhile in this JVM gets the number: the kernel gives the lowest free one. */
    private static final int HIGH = 1000;

    @Test
    void closesOnceAndForgetsTheNumber() throws Exception {
        int before = Fd.openCount();
        Fd fd = highFd();
        int number = fd.number();
        assertThat(fd.isOpen()).isTrue();
        assertThat(fd).hasToString("fd " + number);
        assertThat(Fd.openCount()).isEqualTo(before + 1);

        fd.close();
        fd.close();

        assertThat(fd.isOpen()).isFalse();
        assertThat(fd).hasToString("fd (closed)");
        assertThat(Fd.openCount()).isEqualTo(before);
        assertThatThrownBy(fd::number).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(fd::release).isInstanceOf(IllegalStateException.class);
        assertThat(Fcntl.FCNTL.call(number, TestCalls.F_GETFD, 0)).isEqualTo(-Errno.EBADF);
    }

    @Test
    void manyThreadsCloseOnlyOnce() throws Exception {
        int threads = 4;
        int rounds = 200;
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            for (int round = 0; round < rounds; round++) {
                int before = Fd.openCount();
                Fd fd = EventFd.create();
                CountDownLatch start = new CountDownLatch(1);
                var closers = IntStream.range(0, threads).<Future<?>>mapToObj(i -> pool.submit(() -> {
                    start.await();
                    fd.close();
                    return i;
                })).toList();
                start.countDown();
                for (Future<?> closer : closers) {
                    closer.get();
                }
                assertThat(Fd.openCount()).isEqualTo(before);
            }
        }
    }

    @Test
    void duplicateIsTheSameFileAndCloseOnExec() throws Exception {
        try (Fd fd = EventFd.create(); Fd twin = fd.duplicate()) {
            assertThat(twin.number()).isNotEqualTo(fd.number());
            assertThat(TestCalls.isCloseOnExec(twin)).isTrue();
            EventFd.signal(fd);
            assertThat(EventFd.drain(twin)).isEqualTo(1);
        }
    }

    @Test
    void releaseGivesOwnershipUpWithoutClosing() throws Exception {
        int before = Fd.openCount();
        Fd fd = EventFd.create();
        int number = fd.release();
        assertThat(Fd.openCount()).isEqualTo(before);
        fd.close();
        try (Fd again = Fd.own(number)) {
            EventFd.signal(again);
            assertThat(EventFd.drain(again)).isEqualTo(1);
        }
    }

    @Test
    void closingBehindTheOwnersBackIsLoud() throws Exception {
        Fd fd = highFd();
        int number = fd.number();
        assertThat(Unistd.CLOSE.call(number)).isZero();
        assertThatThrownBy(fd::close).isInstanceOf(AssertionError.class).hasMessageContaining("Descriptor " + number)
                .hasMessageContaining("EBADF");
        assertThat(fd.isOpen()).isFalse();
        fd.close();
    }

    @Test
    void negativeNumbersAreNoDescriptors() {
        assertThatThrownBy(() -> Fd.own(-1)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("-1");
    }

    @Test
    void duplicateOfAClosedDescriptorFails() throws Exception {
        Fd fd = EventFd.create();
        fd.close();
        assertThatThrownBy(fd::duplicate).isInstanceOf(IllegalStateException.class);
    }

    private static Fd highFd() throws ErrnoException {
        try (Fd low = EventFd.create()) {
            return Fd.own(Fcntl.call(low, Fcntl.F_DUPFD_CLOEXEC, HIGH));
        }
    }
}
