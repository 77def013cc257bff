package sluice.dmacore.fence;

/** Signals the fence as requested. */
record TimelineSignal(FenceTimeline timeline, Fence fence) implements FenceSignal {
    /** The highest errno (MAX_ERRNO in {@code include/linux/err.h}). */
    private static final int MAX_ERRNO = 4095;

    static int checkErrno(int errno) {
        if (errno < 1 || errno > MAX_ERRNO)
            throw new IllegalArgumentException("errno %d is not within 1 to %d".formatted(errno, MAX_ERRNO));
        return errno;
    }

    @Override
    public boolean succeed() {
        return timeline.signal(fence, 0);
    }

    @Override
    public boolean fail(int errno) {
        return timeline.signal(fence, checkErrno(errno));
    }
}
