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
 * Counts the descriptors that came from the front-ends of one device, and closes them on a thread that may wait alone. close(2) waits for the owner of a file
 * of FUSE or NFS, for a TCP connection that lingers, and for whatever lies unread in a socket; the last holder of a memory
 * file frees its pages. So no loop closes a descriptor of a kind that it has not checked, nor a socket.
 *
 * <p>The thread is there while there is something to close.
 */
public final class Disposal {
    private static final int IDLE_SECONDS = 1;

    private final ThreadPoolExecutor thread = new ThreadPoolExecutor(1, 1, IDLE_SECONDS, TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(), Thread.ofPlatform().name("sluice-close").daemon().factory());
    private final Share share;
    private final AtomicInteger pending = new AtomicInteger();
    private volatile Runnable less = () -> {};

    /** @param share of the device: what its front-ends send is taken from it until it is closed */
    public Disposal(Share share) {
        this.share = share;
        thread.allowCoreThreadTimeOut(true);
    }

    /**
     * Takes descriptors that have just come out of the device's share. Each is given back when it is closed, here or elsewhere.
     *
     * @throws ShareUsedUpException with nothing taken; they are still to be closed
     */
    void charge(List<Fd> fds) throws ShareUsedUpException {
        share.take(Resource.DESCRIPTORS, fds.size());
        for (Fd fd : fds) fd.whenGone(() -> share.giveBack(Resource.DESCRIPTORS, 1));
    }

    /** Closes a descriptor soon. On any thread. */
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

    /** Runs {@code then} when all that was handed in before is closed, on the thread that closes. */
    public void whenDone(Runnable then) {
        thread.execute(then);
    }

    /** Descriptors that are still open. */
    public int pending() {
        return pending.get();
    }

    /** Has {@code next} run after each descriptor that was closed, on the thread that closes, in place of any before. */
    void onLess(Runnable next) {
        less = next;
    }
}
