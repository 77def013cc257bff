package sluice.dmacore.linux;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** Runs in a JVM of its own, which its parent starts with SIGUSR2 blocked, or not: {@link SignalFdTest}. */
final class SignalFdChild {
    private static final int SIGUSR1 = 10;

    private SignalFdChild() {}

    public static void main(String[] arguments) throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        for (int i = 0; i < 3; i++) {
            Thread.ofPlatform().daemon().start(() -> {
                try {
                    end.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
        }
        boolean blocked = SignalFd.isBlocked(SignalFd.SIGUSR2);
        System.out.println("usr2-blocked=" + blocked);
        System.out.println("usr1-blocked=" + SignalFd.isBlocked(SIGUSR1));
        if (blocked) {
            try (Fd signals = SignalFd.open(SignalFd.SIGUSR2)) {
                System.out.println("flags=" + TestCalls.isNonBlocking(signals) + TestCalls.isCloseOnExec(signals));
                System.out.println("before=" + SignalFd.read(signals));
                System.gc();
                // The parent answers this line with the signal.
                System.out.println("READY");
                System.out.println("readable=" + TestCalls.awaitReadable(signals, Duration.ofSeconds(20)));
                System.out.println("received=" + SignalFd.read(signals));
                System.out.println("after=" + SignalFd.read(signals));
            }
        }
        end.countDown();
        System.out.println("open=" + Fd.openCount());
    }
}
