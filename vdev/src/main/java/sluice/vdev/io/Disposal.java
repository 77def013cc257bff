package sluice.vdev.io;

import java.util.Collection;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.budget.Share;
import sluice.dmacore.budget.ShareUsedUpException;
import sluice.dmacore.linux.Fd;

/**
 * Counts the descriptors received from the front-ends of one device, and closes them on a thread of its own, because
 * close(2) may block: on a FUSE or NFS server, on a lingering TCP connection, on unread data in a socket, or while it
 * frees the pages of a memory file. No loop closes a socket, or a descriptor of a type that it has not checked.
 *
 * <p>The thread exists only while there is something to close.
 */
public final class Disposal {
    private static final int IDLE_SECONDS = 1;

    private final ThreadPoolExecutor thread = new ThreadPoolExecutor(1, 1, IDLE_SECONDS, TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(), Thread.ofPlatform().name("sluice-close").daemon().factory());
    private final Share share;
    private final AtomicInteger pending = new AtomicInteger();
    private volatile Runnable less = () -> {};

    /** @param share of the device; each descriptor that its front-ends send is charged to it until it is closed */
    public Disposal(Share share) {
        this.share = share;
        thread.allowCoreThreadTimeOut(true);
    }

    /**
     * Charges descriptors that have just arrived to the device's share. Each is uncharged when it is closed, here or
     * elsewhere.
     *
     * @throws ShareUsedUpException nothing is charged; the caller still closes them
     */
    void charge(List<Fd> fds) throws ShareUsedUpException {
        share.take(Resource.DESCRIPTORS, fds.size());
        for (Fd fd : fds) fd.whenGone(() -> share.giveBack(Resource.DESCRIPTORS, 1));
    }

    /** Queues a descriptor to be closed. On any thread. */
    public void close(Fd fd) {
        pending.incrementAndGet();
        thread.execute(() -> {
            try {
                fd.close();
            } finally {
                pending.decrementAndGet();
                less.run();
            }
        });
    }

    /** {@link #close} for each. */
    public void closeAll(Collection<Fd> fds) {
        fds.forEach(this::close);
    }

    /** Runs {@code then} on the closing thread when all descriptors queued before are closed. */
    public void whenDone(Runnable then) {
        thread.execute(then);
    }

    /** Descriptors that are still open. */
    public int pending() {
        return pending.get();
    }

    /** Runs {@code next} on the closing thread after each closed descriptor; replaces an earlier callback. */
    void onLess(Runnable next) {
        less = next;
    }
}
