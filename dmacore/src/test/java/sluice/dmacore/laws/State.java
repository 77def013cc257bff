package sluice.dmacore.laws;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

import sluice.dmacore.laws.Setting.Kind;
import sluice.dmacore.laws.Setting.Port;
import sluice.dmacore.laws.Step.Begin;
import sluice.dmacore.laws.Step.Mode;
import sluice.dmacore.ownership.Direction;

/** What {@link Rules} knows in the middle of a program: of each byte of memory, and of each attachment. */
final class State {
    static final int LINE = Setting.LINE;
    /** A write that is not closed yet. */
    static final int UNCLOSED = Integer.MAX_VALUE;
    /** The CPU, as a writer; attachment {@code a} is {@code a + 1}. */
    static final int CPU = 0;

    /** What an attachment has. */
    static final class Turns {
        boolean attached;
        boolean wasAttached;
        boolean live;
        /** Whether there is a mapping, if a dead one. */
        boolean wasMapped;
        Direction direction = Direction.BIDIRECTIONAL;
        Mode mode = Mode.PLAIN;
        /** Bytes that were given to the device and not taken back. */
        final boolean[] open;
        /** Bytes that no call has given or taken since they were mapped without a transfer: whose they are is open. */
        final boolean[] undecided;
        /** Those of them that an access of the CPU has ended at: it may have given them, as to all who have the buffer. */
        final boolean[] offered;
        /** When they were given last. */
        final int[] opened;
        /** The same, by a call that lets the device see what others wrote. */
        final int[] openedToRead;
        /** Bytes whose copy in bounce memory is the right one. */
        final boolean[] good;

        Turns(int bytes) {
            open = new boolean[bytes];
            undecided = new boolean[bytes];
            offered = new boolean[bytes];
            opened = new int[bytes];
            openedToRead = new int[bytes];
            good = new boolean[bytes];
        }

        /** A call has said whose a byte is. */
        void decide(int at, boolean devices) {
            open[at] = devices;
            undecided[at] = false;
            offered[at] = false;
        }

        /** Whether a byte may be the device's. */
        boolean mayHave(int at) {
            return live && (open[at] || offered[at]);
        }

        boolean isLiveBounced(Port port) {
            return live && port.bounced();
        }
    }

    final Layout layout;
    final Setting setting;
    final Turns[] turns;
    int now = 1;

    /** The last writer of a byte; undefined without a write. */
    final int[] writer;
    /** When the last write was closed; 0 without a write. */
    final int[] closed;
    /** The CPU access that wrote, if it was enclosed by begin and end. */
    final int[] access;
    /** Bytes that are in a cache but not in memory, until eviction. */
    final boolean[] dirty;
    /** Undefined bytes: owned by the CPU, but to be filled by a device. */
    final boolean[] undefined;
    /** What the CPU has to store before it does anything else, because it took the line without looking. */
    final boolean[] rewrite;
    /** Accesses of the CPU that are open, for each line. */
    final int[] busy;

    final boolean[] moved;
    final int[][] places;
    /** Which buffers have a byte, as bits. */
    final int[] owners;
    final Map<Integer, Begin> accesses = new HashMap<>();

    /** An access that is open. */
    Begin open(int access) {
        return Objects.requireNonNull(accesses.get(access), "the access is open");
    }

    final Set<Integer> ended = new HashSet<>();

    private final boolean[] marked;
    private final int[] touched;
    private int touchedCount;

    State(Layout layout) {
        this.layout = layout;
        setting = layout.setting();
        int bytes = layout.bytes();
        turns = new Turns[setting.attachments().size()];
        for (int a = 0; a < turns.length; a++) turns[a] = new Turns(bytes);
        writer = new int[bytes];
        closed = new int[bytes];
        access = new int[bytes];
        dirty = new boolean[bytes];
        undefined = new boolean[bytes];
        rewrite = new boolean[bytes];
        busy = new int[layout.lines()];
        marked = new boolean[layout.lines()];
        touched = new int[layout.lines()];
        moved = new boolean[setting.buffers().size()];
        places = new int[moved.length][];
        owners = new int[bytes];
        for (int b = 0; b < moved.length; b++) place(b, false);
    }

    private void place(int buffer, boolean other) {
        moved[buffer] = other;
        places[buffer] = layout.places(buffer, other);
        for (int at : places[buffer]) owners[at] |= 1 << buffer;
    }

    /** A buffer is elsewhere from now on. */
    void move(int buffer) {
        for (int at : places[buffer]) owners[at] &= ~(1 << buffer);
        place(buffer, !moved[buffer]);
    }

    Port port(int attachment) {
        return setting.attachments().get(attachment);
    }

    Kind kind(int buffer) {
        return setting.buffers().get(buffer).kind();
    }

    int[] placesOf(int attachment) {
        return places[port(attachment).buffer()];
    }

    boolean covers(int attachment, int at) {
        return ((owners[at] >> port(attachment).buffer()) & 1) != 0;
    }

    boolean isInside(int buffer, int from, int length) {
        return from >= 0 && length > 0 && from + length <= places[buffer].length;
    }

    /** Finds the lines of a range: {@link #line} of 0 up to what is returned. Forgotten by the next call. */
    int lines(int buffer, int from, int length) {
        for (int i = 0; i < touchedCount; i++) marked[touched[i]] = false;
        touchedCount = 0;
        int[] at = places[buffer];
        for (int i = from; i < from + length; i++) {
            int line = at[i] / LINE;
            if (marked[line]) continue;
            marked[line] = true;
            touched[touchedCount++] = line;
        }
        return touchedCount;
    }

    int line(int index) {
        return touched[index];
    }

    boolean isMarked(int line) {
        return marked[line];
    }

    /** Whether a byte is one of a range, under each of the places that the buffer has it at. */
    boolean isIn(int buffer, int from, int length, int byteOfMemory) {
        if (((owners[byteOfMemory] >> buffer) & 1) == 0) return false;
        int[] at = places[buffer];
        for (int i = 0; i < at.length; i++)
            if (at[i] == byteOfMemory && (i < from || i >= from + length)) return false;
        return true;
    }

    boolean isUnclosed(int at) {
        return closed[at] == UNCLOSED;
    }

    boolean isUnclosedBy(int at, int who) {
        return closed[at] == UNCLOSED && writer[at] == who;
    }

    boolean isUnclosedByDevice(int at) {
        return closed[at] == UNCLOSED && writer[at] != CPU;
    }

    boolean isCached(int attachment) {
        return setting.isCached(attachment);
    }

    /** Whether a store would be lost because a bounced mapping, which only writes, will copy all it has over it. */
    boolean isClobbered(int at, int who) {
        for (int a = 0; a < turns.length; a++) {
            if (who != a + 1 && turns[a].isLiveBounced(port(a)) && turns[a].direction == Direction.FROM_DEVICE
                    && turns[a].mode != Mode.SKIP && covers(a, at))
                return true;
        }
        return false;
    }

    /** Whether a bounced mapping has a copy of a byte that it will bring back. */
    boolean isCopied(int at) {
        for (int a = 0; a < turns.length; a++) {
            if (turns[a].isLiveBounced(port(a)) && turns[a].direction.deviceWrites() && covers(a, at)) return true;
        }
        return false;
    }

    /** A participant writes a byte. */
    void write(int at, int who, boolean throughCache) {
        writer[at] = who;
        closed[at] = UNCLOSED;
        access[at] = -1;
        undefined[at] = false;
        rewrite[at] = false;
        if (throughCache) dirty[at] = true;
        for (int a = 0; a < turns.length; a++) if (port(a).bounced()) turns[a].good[at] = who == a + 1;
    }

    void clear(boolean[] flags) {
        Arrays.fill(flags, false);
    }
}
