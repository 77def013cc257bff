package sluice.dmacore.fence;

import java.util.concurrent.TimeUnit;

/** A violated rule of fences. */
public sealed interface FenceFinding {
    /** One sentence: the event, the fence and the rule. */
    String sentence();

    /**
     * A fence was not signalled within its bound. Reported once for each fence.
     *
     * @param waited nanoseconds since it was created
     */
    record Late(Fence fence, long waited) implements FenceFinding {
        @Override
        public String sentence() {
            return "fence %s is not signalled after %d ms; its bound is %d ms: its waiters would hang"
                    .formatted(
                            fence, millis(waited), millis(fence.origin().due() - fence.origin().begunAt()));
        }
    }

    /** A timeline was closed, and this fence had not been signalled: it was signalled with {@code ECANCELED}. */
    record NeverSignalled(Fence fence) implements FenceFinding {
        @Override
        public String sentence() {
            return "fence %s was never signalled: its timeline was closed, and it failed with ECANCELED"
                    .formatted(fence);
        }
    }

    /** A fence was signalled before one that was begun earlier on the same timeline. */
    record OutOfOrder(Fence fence, Fence overtaken) implements FenceFinding {
        @Override
        public String sentence() {
            return "fence %s was signalled before %s of the same timeline: a later one stands for all before it"
                    .formatted(
                            fence, overtaken);
        }
    }

    /** A fence of a buffer was added again in a weaker usage class; it keeps its class. */
    record Demoted(String buffer, Fence fence, Usage from, Usage to) implements FenceFinding {
        @Override
        public String sentence() {
            return "fence %s of %s is %s and was added as %s: a fence may be promoted, never demoted".formatted(fence,
                    buffer,
                    from, to);
        }
    }

    /** A fence was added without a reserved slot, and refused. */
    record NoSlot(String buffer, Fence fence, Usage usage) implements FenceFinding {
        @Override
        public String sentence() {
            return "fence %s was added to %s as %s without a slot: reserve one before the work is begun, where it can still fail"
                    .formatted(fence, buffer, usage);
        }
    }

    /** A buffer was used without waiting for this fence. */
    record NotWaited(String buffer, String who, boolean write, Fence fence, Usage usage) implements FenceFinding {
        @Override
        public String sentence() {
            return "%s %s %s while fence %s (%s) is not signalled: a new %s waits for all %s".formatted(who,
                    write ? "writes" : "reads", buffer, fence, usage, write ? "write" : "read",
                    write ? "readers and writers" : "writers");
        }
    }

    /**
     * A wait was refused in a section that other threads wait for.
     *
     * @param fence description of the fence or sync point to be waited for
     */
    record WaitedInSection(String fence, String section) implements FenceFinding {
        @Override
        public String sentence() {
            return "a wait for fence %s inside of %s was refused: leave it first, others wait for its end".formatted(
                    fence,
                    section);
        }
    }

    /** A callback threw an exception; the other callbacks ran. */
    record CallbackFailed(Fence fence, RuntimeException failure) implements FenceFinding {
        @Override
        public String sentence() {
            return "a callback of fence %s failed: %s".formatted(fence, failure);
        }
    }

    private static long millis(long nanos) {
        return TimeUnit.NANOSECONDS.toMillis(nanos);
    }
}
