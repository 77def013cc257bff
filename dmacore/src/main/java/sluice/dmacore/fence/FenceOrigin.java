package sluice.dmacore.fence;

import org.jspecify.annotations.Nullable;

/**
 * The origin of a fence.
 *
 * @param context number of its timeline, unique in this process; a container has a context of its own
 * @param seqno its sequence number on the timeline, beginning at 1
 * @param timeline name of the timeline, such as {@code gpu0 ring 0}
 * @param label description of the work, such as {@code flush 17}
 * @param begunAt time of creation, in nanoseconds of the domain's clock
 * @param due deadline of its signal, on the same clock
 * @param site the code that created it; null unless the domain records it
 */
public record FenceOrigin(long context, long seqno, String timeline, String label, long begunAt, long due,
        @Nullable StackTraceElement site) {
    /** The same in a few words, such as {@code 'flush 17' (gpu0 ring 0, 3:12)}; with the line that made it, if known. */
    @Override
    public String toString() {
        String made = site == null ? "" : ", made at " + site;
        return "'%s' (%s, %d:%d%s)".formatted(label, timeline, context, seqno, made);
    }
}
