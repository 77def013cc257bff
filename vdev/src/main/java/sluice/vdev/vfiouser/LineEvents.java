package sluice.vdev.vfiouser;

import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * The trigger and unmask eventfds of the interrupt lines of all functions of a process. An eventfd used for both would
 * loop while the line is asserted, directly or through the lines of several functions. Thread-safe.
 */
final class LineEvents {
    private static final LineEvents PROCESS = new LineEvents();

    /** The use of an eventfd. */
    enum Role {
        SIGNALLED,
        UNMASKS
    }

    /** Number of functions that use an eventfd, by the kernel's eventfd id. */
    private final Map<Long, Integer> signalled = new HashMap<>();
    private final Map<Long, Integer> unmasks = new HashMap<>();

    private LineEvents() {}

    static LineEvents ofProcess() {
        return PROCESS;
    }

    /**
     * Replaces a function's eventfd {@code former} by {@code next}; either may be absent.
     *
     * @return false if {@code next} already has the other role; nothing is changed then
     */
    synchronized boolean replace(Role role, OptionalLong former, OptionalLong next) {
        Map<Long, Integer> same = role == Role.SIGNALLED ? signalled : unmasks;
        Map<Long, Integer> other = role == Role.SIGNALLED ? unmasks : signalled;
        if (next.isPresent() && other.containsKey(next.getAsLong())) return false;
        if (former.isPresent()) same.computeIfPresent(former.getAsLong(), (_, count) -> count == 1 ? null : count - 1);
        if (next.isPresent()) same.merge(next.getAsLong(), 1, Integer::sum);
        return true;
    }
}
