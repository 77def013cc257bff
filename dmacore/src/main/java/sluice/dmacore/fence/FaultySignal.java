package sluice.dmacore.fence;

import java.util.concurrent.atomic.AtomicInteger;

import sluice.dmacore.linux.Errno;

/** Signals a fence wrongly, and reports success to its producer. */
final class FaultySignal implements FenceSignal {
    private final FenceFaults faults;
    private final FenceSignal kept;
    private final FenceFault fault;
    /** The producer's result. */
    private final AtomicInteger said = new AtomicInteger(Completion.PENDING);

    FaultySignal(FenceFaults faults, FenceSignal kept, FenceFault fault) {
        this.faults = faults;
        this.kept = kept;
        this.fault = fault;
    }

    @Override
    public Fence fence() {
        return kept.fence();
    }

    @Override
    public boolean succeed() {
        return say(0);
    }

    @Override
    public boolean fail(int errno) {
        return say(TimelineSignal.checkErrno(errno));
    }

    private boolean say(int status) {
        if (!said.compareAndSet(Completion.PENDING, status)) return false;
        switch (fault) {
            case NONE -> pass();
            case DELAYED -> faults.delay(this::pass);
            case REORDERED -> faults.hold(this);
            case NEVER, EARLY -> {
                // No further signal: it was signalled, or never will be.
            }
            case WRONG_RESULT -> {
                said.set(status == 0 ? Errno.EIO : 0);
                pass();
            }
        }
        return true;
    }

    /** Signals the producer's result. */
    void pass() {
        int status = said.get();
        if (status == 0) kept.succeed();
        else kept.fail(status);
        if (fault != FenceFault.REORDERED) faults.overtaken(fence().origin().context());
    }
}
