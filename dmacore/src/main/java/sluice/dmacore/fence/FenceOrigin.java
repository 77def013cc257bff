package sluice.dmacore.fence;

import org.jspecify.annotations.Nullable;

/**
 * Where a fence comes from.
 *
 * @param context number of the timeline it belongs to, unlike that of any other in this process; a fence that consists of
 *     others has a context of its own
 * @param seqno its place on the timeline, from 1 on
 * @param timeline name of the timeline, such as {@code gpu0 ring 0}
 * @param label what work it stands for, such as {@code flush 17}
 * @param begunAt when the work was begun, as the domain's clock counts nanoseconds
 * @param due when it must have been signalled, on the same clock
 * @param site the code that made it; null unless the domain was told to look
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
