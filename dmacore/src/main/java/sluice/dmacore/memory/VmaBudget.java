package sluice.dmacore.memory;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many memory mappings this process may still make.
 *
 * <p>A process that runs into the kernel's limit (vm.max_map_count, 65,530 by default) dies, because the JVM itself can
 * then no longer commit memory. So everything that maps on behalf of a peer takes its share here first, and is refused
 * while there is plenty left.
 */
public final class VmaBudget {
    /** A quarter of the kernel's default limit: the JVM, its libraries and malloc live in the rest. */
    public static final int DEFAULT_LIMIT = 16_384;

    private static final VmaBudget PROCESS = new VmaBudget(DEFAULT_LIMIT);

    private final int limit;
    private final AtomicInteger used = new AtomicInteger();

    /** A budget of {@code limit} mappings; only tests need one of their own. */
    public VmaBudget(int limit) {
        this.limit = limit;
    }

    /** The one budget of this process. */
    public static VmaBudget ofProcess() {
        return PROCESS;
    }

    /**
     * Takes {@code count} mappings.
     *
     * @throws IOException if fewer are left
     */
    public void take(int count) throws IOException {
        int now = used.addAndGet(count);
        if (now > limit) {
            used.addAndGet(-count);
            throw new IOException("%d more memory mappings would exceed this process's budget of %d (%d in use)"
                    .formatted(count, limit, now - count));
        }
    }

    public void giveBack(int count) {
        used.addAndGet(-count);
    }

    public int used() {
        return used.get();
    }
}
