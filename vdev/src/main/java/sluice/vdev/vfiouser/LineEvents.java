package sluice.vdev.vfiouser;

import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * The eventfds that interrupt lines signal, and those that unmask a line, of all functions of a process. One that is both goes
 * round for as long as the line is asserted: by itself, or through the lines of several functions. Any thread may use it.
 */
final class LineEvents {
    private static final LineEvents PROCESS = new LineEvents();

    /** What a function has an eventfd for. */
    enum Role {
        SIGNALLED,
        UNMASKS
    }

    /** By the kernel's number of the eventfd, how many functions have it. */
    private final Map<Long, Integer> signalled = new HashMap<>();
    private final Map<Long, Integer> unmasks = new HashMap<>();

    private LineEvents() {}

    static LineEvents ofProcess() {
        return PROCESS;
    }

    /**
     * A function has {@code next} in place of {@code former}; either may be none.
     *
     * @return false if {@code next} has the other role already; nothing is changed then
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
