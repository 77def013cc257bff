package sluice.dmacore.model;

import java.util.Arrays;

import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Flavour;

/**
 * A machine with a cache in front of its memory, line by line and without any cleverness: what the model must agree with.
 * Holders are numbers from 0 on.
 *
 * <p>It can do every operation that is asked for, as the DMA API does, or leave out those that a line does not need.
 */
final class NaiveCaches {
    private static final int LINE = 64;

    private enum Known {
        UNKNOWN,
        CLEAN,
        DIRTY,
        STALE,
        TORN
    }

    private final boolean skipping;
    private final boolean arc;
    private final boolean unseen;
    private final boolean[] coherent;
    private final byte[] cache;
    private final byte[] memory;
    private final boolean[] dirty;
    private final Known[] known;
    private final boolean[][] readers;
    private final boolean[][] writers;
    private final boolean[][] lentReaders;
    private final boolean[][] lentWriters;
    private final int[] accesses;
    private long writtenBack;

    NaiveCaches(byte[] content, boolean skipping, Draw draw, boolean... coherent) {
        this.skipping = skipping;
        arc = draw.flavour() == Flavour.ARC;
        unseen = draw.unseen();
        this.coherent = coherent;
        cache = content.clone();
        memory = content.clone();
        int lines = content.length / LINE;
        dirty = new boolean[lines];
        known = new Known[lines];
        Arrays.fill(known, Known.UNKNOWN);
        readers = new boolean[lines][coherent.length];
        writers = new boolean[lines][coherent.length];
        lentReaders = new boolean[lines][coherent.length];
        lentWriters = new boolean[lines][coherent.length];
        accesses = new int[lines];
    }

    // ---- bytes

    void store(int offset, byte value) {
        cache[offset] = value;
        dirty[offset / LINE] = true;
    }

    byte load(int offset) {
        return cache[offset];
    }

    byte deviceRead(int holder, int offset) {
        return coherent[holder] ? cache[offset] : memory[offset];
    }

    void deviceWrite(int holder, int offset, byte value) {
        if (coherent[holder]) {
            store(offset, value);
        } else {
            memory[offset] = value;
        }
    }

    byte[] caches() {
        return cache;
    }

    long writtenBack() {
        return writtenBack;
    }

    private void writeBack(int line) {
        writtenBack += LINE;
        if (!dirty[line]) return;
        System.arraycopy(cache, line * LINE, memory, line * LINE, LINE);
        dirty[line] = false;
    }

    private void invalidate(int line) {
        System.arraycopy(memory, line * LINE, cache, line * LINE, LINE);
        dirty[line] = false;
    }

    // ---- transfers

    void give(int holder, int line, Direction direction) {
        if (!coherent[holder]) {
            Known now = anyCoherentWriter(line) ? Known.DIRTY : known[line];
            boolean needed = now == Known.UNKNOWN || now == Known.DIRTY || now == Known.TORN;
            if (needed || !skipping) {
                if (!arc || direction.deviceReads()) writeBack(line);
                if (arc && direction.deviceWrites()) invalidate(line);
                known[line] = Known.CLEAN;
            }
            if (direction.deviceWrites()) known[line] = Known.STALE;
        }
        if (direction.deviceReads()) readers[line][holder] = true;
        if (direction.deviceWrites()) writers[line][holder] = true;
    }

    private boolean anyCoherentWriter(int line) {
        for (int i = 0; i < coherent.length; i++) {
            if (coherent[i] && writers[line][i]) return true;
        }
        return false;
    }

    void take(int holder, int line, Direction direction) {
        if (!coherent[holder] && direction.deviceWrites()) {
            if (mayBeStale(line) || !skipping) {
                invalidate(line);
                known[line] = Known.CLEAN;
            }
        }
        if (coherent[holder] && writers[line][holder]) known[line] = Known.DIRTY;
        readers[line][holder] = false;
        writers[line][holder] = false;
        lentReaders[line][holder] = false;
        lentWriters[line][holder] = false;
        settle(line);
    }

    private void settle(int line) {
        if (!unseen) return;
        for (int i = 0; i < coherent.length; i++) {
            if (readers[line][i] || writers[line][i]) return;
        }
        if (known[line] == Known.CLEAN) known[line] = Known.UNKNOWN;
        if (known[line] == Known.STALE) known[line] = Known.TORN;
    }

    boolean mayBeStale(int line) {
        return known[line] == Known.STALE || known[line] == Known.TORN;
    }

    void begin(int line, Direction direction) {
        accesses[line]++;
        if (direction.deviceWrites() && mayBeStale(line)) {
            invalidate(line);
            known[line] = Known.CLEAN;
        }
        if (anyCoherentWriter(line)) known[line] = Known.DIRTY;
        for (int i = 0; i < coherent.length; i++) {
            lentReaders[line][i] |= readers[line][i];
            lentWriters[line][i] |= writers[line][i];
            readers[line][i] = false;
            writers[line][i] = false;
        }
        settle(line);
    }

    void end(int line, Direction direction) {
        if (direction.deviceReads()) known[line] = Known.DIRTY;
        accesses[line]--;
        if (accesses[line] > 0) return;
        for (int i = 0; i < coherent.length; i++) {
            readers[line][i] |= lentReaders[line][i];
            writers[line][i] |= lentWriters[line][i];
            lentReaders[line][i] = false;
            lentWriters[line][i] = false;
        }
        boolean anyCached = false;
        boolean cachedWriter = false;
        for (int i = 0; i < coherent.length; i++) {
            anyCached |= !coherent[i] && (readers[line][i] || writers[line][i]);
            cachedWriter |= !coherent[i] && writers[line][i];
        }
        if (anyCached) {
            if (known[line] == Known.UNKNOWN || known[line] == Known.DIRTY || known[line] == Known.TORN || !skipping) {
                writeBack(line);
                known[line] = Known.CLEAN;
            }
            if (cachedWriter) known[line] = Known.STALE;
        }
    }
}
