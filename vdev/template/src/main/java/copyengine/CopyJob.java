package copyengine;

import org.jspecify.annotations.Nullable;

import sluice.vdev.device.FunctionContext;

/**
 * One job, from the doorbell to its end. It runs in steps, each a separate task on the function's loop. Registers are
 * accessed between two steps, so a job cannot block the loop, and a reset takes effect at once.
 *
 * <p>Memory is accessed by {@link FunctionContext#readLater} and {@link FunctionContext#writeLater}, which support all
 * memory. {@link FunctionContext#read} is faster for shared memory, because it makes fewer copies.
 */
final class CopyJob {
    /** No piece crosses a page, so that a fault has the address of the missing page, as with an IOMMU. */
    private static final int PAGE = 4096;

    /** Receives the result of a job. */
    @FunctionalInterface
    interface Listener {
        /**
         * The job has ended.
         *
         * @param address address of the failure
         * @param written bytes written, including those before a failure
         */
        void ended(Failure why, long address, long written);
    }

    /** A position in a list. */
    private static final class Cursor {
        private final ScatterList list;
        private int entry;
        private long offset;

        Cursor(ScatterList list) {
            this.list = list;
        }

        boolean atEnd() {
            return entry == list.entries().size();
        }

        long address() {
            return list.entries().get(entry).address() + offset;
        }

        /** Bytes to the end of the entry or of the page. */
        int run() {
            long left = list.entries().get(entry).length() - offset;
            return (int) Math.min(left, PAGE - (address() & (PAGE - 1)));
        }

        void advance(int bytes) {
            offset += bytes;
            if (offset < list.entries().get(entry).length()) return;
            entry++;
            offset = 0;
        }
    }

    private final FunctionContext context;
    private final Listener listener;
    private @Nullable Cursor source;
    private @Nullable Cursor target;
    private long written;
    private boolean over;

    /** @param listener not called after {@link #abort} */
    CopyJob(FunctionContext context, Listener listener) {
        this.context = context;
        this.listener = listener;
    }

    /** Bytes written so far. */
    long written() {
        return written;
    }

    /** Aborts the job, including pending accesses. */
    void abort() {
        over = true;
    }

    /** Reads both lists, then copies. */
    void start(long sourceList, int sourceEntries, long targetList, int targetEntries) {
        fetch(sourceList, sourceEntries, from -> fetch(targetList, targetEntries, to -> {
            source = new Cursor(from);
            target = new Cursor(to);
            if (from.bytes() == to.bytes()) {
                step();
            } else {
                end(Failure.UNEQUAL, targetList);
            }
        }));
    }

    private interface Next {
        void go(ScatterList list);
    }

    private void fetch(long address, int entries, Next next) {
        if (entries < 1 || entries > ScatterList.MOST_ENTRIES) {
            end(Failure.BAD_COUNT, address);
            return;
        }
        context.readLater(address, entries * ScatterList.ENTRY_BYTES, copy -> {
            if (over) return;
            if (copy == null) {
                end(Failure.LIST_FAULT, address);
                return;
            }
            try {
                next.go(ScatterList.parse(copy, address));
            } catch (ScatterList.BadListException e) {
                end(e.failure(), e.address());
            }
        });
    }

    /** Copies up to the next page boundary on either side, then repeats. */
    private void step() {
        Cursor from = source;
        Cursor to = target;
        if (from == null || to == null) throw new IllegalStateException("the lists are read first");
        if (from.atEnd()) {
            end(Failure.NONE, 0);
            return;
        }
        int length = Math.min(from.run(), to.run());
        context.readLater(from.address(), length, bytes -> {
            if (over) return;
            if (bytes == null) {
                end(Failure.READ_FAULT, from.address());
                return;
            }
            context.writeLater(to.address(), bytes, done -> {
                if (over) return;
                if (!done) {
                    end(Failure.WRITE_FAULT, to.address());
                    return;
                }
                written += length;
                from.advance(length);
                to.advance(length);
                step();
            });
        });
    }

    private void end(Failure why, long address) {
        over = true;
        listener.ended(why, address, written);
    }
}
