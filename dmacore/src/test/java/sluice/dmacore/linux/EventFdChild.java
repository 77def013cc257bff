package sluice.dmacore.linux;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Runs in a JVM of its own, because that would stand still for ever if its test failed: {@link EventFdTest}. */
final class EventFdChild {
    private EventFdChild() {}

    public static void main(String[] arguments) throws Exception {
        Fd event = EventFd.create();
        UnixSocket.setBlocking(event);
        // The writer has made all calls before, so it waits in the kernel and nowhere else.
        EventFd.signalByWriting(event);
        EventFd.drain(event);
        TestCalls.fill(event);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch freed = new CountDownLatch(1);
        Thread writer = Thread.ofPlatform().daemon().start(() -> {
            begun.countDown();
            signal(event);
            freed.countDown();
        });
        begun.await();
        System.out.println("waits=" + !freed.await(500, TimeUnit.MILLISECONDS));
        System.gc();
        System.out.println("collected");
        EventFd.drain(event);
        System.out.println("freed=" + freed.await(20, TimeUnit.SECONDS));
        writer.join();
    }

    private static void signal(Fd event) {
        try {
            EventFd.signalByWriting(event);
        } catch (ErrnoException e) {
            throw new AssertionError(e);
        }
    }
}
