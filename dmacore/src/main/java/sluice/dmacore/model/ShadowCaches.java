package sluice.dmacore.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.finding.Findings;
import sluice.dmacore.memory.FileId;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.CacheExecutor;
import sluice.dmacore.ownership.Harm;
import sluice.dmacore.ownership.Lines;

/**
 * A model of the CPU caches and the memory behind them (rows S41, S45). Buffers are the CPU's view; a non-snooping
 * device sees a shadow of them. A write-back copies bytes into the shadow, an invalidation copies them out. A missing
 * operation gives wrong bytes, deterministically.
 *
 * <p>It detects neither a CPU store of an equal value nor which of several writers stored; a copy that races with a
 * store may be torn.
 */
public final class ShadowCaches implements CacheExecutor {
    /** Granularity, in bytes, of work with a shadow locked, so that other devices of the VM get the lock in between. */
    private static final long PIECE_BYTES = 256 << 10;

    private final FileMappings files;
    private final Eviction eviction;
    private final Random chance;
    /**
     * The users of a shadow are guarded by its table entry, its content by the shadow's lock: VMs never wait for each
     * other, even while a shadow is created.
     */
    private final Map<FileId, Shadow> shadows = new ConcurrentHashMap<>();
    private final LongAdder copiedByFormer = new LongAdder();

    /** @param files mappings of the shadows */
    public ShadowCaches(FileMappings files, Eviction eviction) {
        this.files = files;
        this.eviction = eviction;
        chance = new Random(eviction instanceof Eviction.Seeded seeded ? seeded.seed() : 0);
    }

    /**
     * As {@link #ShadowCaches(FileMappings, Eviction)}.
     *
     * @param findings unused: the gate reports findings
     */
    public ShadowCaches(FileMappings files, Findings findings, Eviction eviction) {
        this(files, eviction);
    }

    /** Bytes copied by the model; none of them is a bounce copy. */
    public long cacheBytes() {
        long bytes = copiedByFormer.sum();
        for (Shadow shadow : shadows.values()) bytes += shadow.copied();
        return bytes;
    }

    // ---- which pages play

    @Override
    public void covered(Lines lines) {
        long[] joined = new long[1];
        boolean done = false;
        try {
            lines.forEachStretch(0, lines.count(), (file, offset, bytes, _) -> {
                shadows.compute(file.id(), (_, present) -> {
                    Shadow shadow = present == null ? open(file) : present;
                    shadow.join(offset, bytes);
                    return shadow;
                });
                joined[0]++;
            });
            done = true;
        } finally {
            if (!done) leave(lines, joined[0]);
        }
        lines.forEachStretch(0, lines.count(), (file, offset, bytes, _) -> {
            Shadow shadow = of(file);
            forEachPiece(offset, bytes, (from, piece) -> {
                synchronized (shadow) {
                    shadow.cover(from, piece);
                }
            });
        });
    }

    /** Receives pieces of a range. */
    @FunctionalInterface
    private interface Piece {
        void take(long offset, long bytes);
    }

    private static void forEachPiece(long offset, long bytes, Piece piece) {
        long end = offset + bytes;
        for (long at = offset; at < end;) {
            long next = Math.min(end, (at / PIECE_BYTES + 1) * PIECE_BYTES);
            piece.take(at, next - at);
            at = next;
        }
    }

    private Shadow open(FileMapping file) {
        try {
            return Shadow.of(file, files);
        } catch (IOException e) {
            throw new UncheckedIOException("no memory to play the caches of %s: %s".formatted(file, e.getMessage()), e);
        }
    }

    @Override
    public void uncovered(Lines lines) {
        lines.forEachStretch(0, lines.count(), (file, offset, bytes, _) -> {
            Shadow shadow = of(file);
            forEachPiece(offset, bytes, (from, piece) -> {
                synchronized (shadow) {
                    shadow.uncover(from, piece);
                }
            });
        });
        leave(lines, Long.MAX_VALUE);
    }

    /** Undoes the ranges covered so far. */
    private void leave(Lines lines, long stretches) {
        long[] left = { stretches };
        lines.forEachStretch(0, lines.count(), (file, offset, bytes, _) -> {
            if (left[0]-- <= 0) return;
            shadows.computeIfPresent(file.id(), (_, shadow) -> {
                if (!shadow.leave(offset, bytes)) return shadow;
                shadow.close();
                copiedByFormer.add(shadow.copied());
                return null;
            });
        });
    }

    private Shadow of(FileMapping file) {
        Shadow shadow = present(file);
        if (shadow == null)
            throw new IllegalStateException(file + " has no shadow: no device without snooping is attached");
        return shadow;
    }

    private @Nullable Shadow present(FileMapping file) {
        return shadows.get(file.id());
    }

    @Override
    public Runs deviceMemory(Lines lines) {
        Runs runs = lines.runs();
        Runs seen = new Runs(runs.count());
        for (int run = 0; run < runs.count(); run++)
            seen.add(of(runs.mapping(run)).memory(), runs.offset(run), runs.length(run));
        return seen;
    }

    /** Receives ranges of modelled lines. */
    @FunctionalInterface
    private interface Played {
        void take(Shadow shadow, long offset, long bytes, int firstLine);
    }

    /** Without devices only the cached content remains: device writes that were not fetched are lost. */
    private void forEachPlayed(Lines lines, int first, int end, Played played) {
        lines.forEachStretch(first, end, (file, offset, bytes, firstLine) -> {
            Shadow shadow = present(file);
            if (shadow == null) return;
            forEachPiece(offset, bytes, (from, piece) -> {
                synchronized (shadow) {
                    long stop = from + piece;
                    long at = shadow.next(true, from, stop);
                    while (at < stop) {
                        long until = shadow.next(false, at, stop);
                        played.take(shadow, at, until - at, firstLine + (int) ((at - offset) / Lines.LINE));
                        at = shadow.next(true, until, stop);
                    }
                }
            });
        });
    }

    // ---- what the caches do

    @Override
    public void writeBack(Lines lines, int first, int end, Harm harm) {
        forEachPlayed(lines, first, end, (shadow, offset, bytes, firstLine) -> {
            long from = offset / Lines.LINE;
            long to = from + bytes / Lines.LINE;
            if (shadow.nextDeviceWritten(from, to) < 0) {
                shadow.writeBack(offset, bytes);
                return;
            }
            for (long line = from; line < to; line++) {
                if (shadow.isDeviceWritten(line)) {
                    // Not written by the CPU: a cache writes back dirty lines only.
                    if (!shadow.isTouched(line)) continue;
                    add(harm, firstLine, line - from, shadow.newerInMemory(line));
                }
                shadow.writeBack(line);
            }
        });
    }

    @Override
    public void invalidate(Lines lines, int first, int end, Harm harm) {
        forEachPlayed(lines, first, end, (shadow, offset, bytes, firstLine) -> {
            long from = offset / Lines.LINE;
            long to = from + bytes / Lines.LINE;
            lost(shadow, from, to, firstLine, harm);
            shadow.drop(offset, bytes);
            for (long line = shadow.nextDeviceWritten(from, to); line >= 0; line = shadow.nextDeviceWritten(line, to))
                shadow.drop(line);
        });
    }

    @Override
    public void wouldLose(Lines lines, int first, int end, Harm harm) {
        forEachPlayed(lines, first, end, (shadow, offset, bytes, firstLine) -> {
            long from = offset / Lines.LINE;
            lost(shadow, from, from + bytes / Lines.LINE, firstLine, harm);
        });
    }

    /** Adds the ranges that an invalidation of lines destroys. */
    private static void lost(Shadow shadow, long from, long to, int firstLine, Harm harm) {
        if (shadow.equalsMemory(from * Lines.LINE, (to - from) * Lines.LINE)) return;
        for (long line = from; line < to; line++) add(harm, firstLine, line - from, shadow.newerInCaches(line));
    }

    private static void add(Harm harm, int firstLine, long line, long bytes) {
        if (bytes != 0) harm.add(firstLine + (int) line, bytes);
    }

    @Override
    public void returned(Lines lines, int first, int end, Harm harm) {
        forEachPlayed(lines, first, end, (shadow, offset, bytes, firstLine) -> {
            long from = offset / Lines.LINE;
            long to = from + bytes / Lines.LINE;
            if (shadow.nextDeviceWritten(from, to) < 0 && shadow.equalsMemory(offset, bytes)) return;
            for (long line = from; line < to; line++) {
                int of = firstLine + (int) (line - from);
                add(harm, of, 0, shadow.writtenMeanwhile(line) & harm.inRange(of));
            }
        });
    }

    @Override
    public boolean plays() {
        return true;
    }

    @Override
    public boolean isUnfetched(Lines lines, int first, int end, Harm harm) {
        boolean[] found = new boolean[1];
        forEachPlayed(lines, first, end, (shadow, offset, bytes, firstLine) -> {
            long from = offset / Lines.LINE;
            long to = from + bytes / Lines.LINE;
            for (long line = shadow.nextDeviceWritten(from, to); line >= 0 && !found[0]; line = shadow
                    .nextDeviceWritten(line + 1, to))
                found[0] = (shadow.newerInMemory(line) & harm.inRange(firstLine + (int) (line - from))) != 0;
        });
        return found[0];
    }

    @Override
    public void unfetched(Lines lines, int first, int end, Harm harm) {
        forEachPlayed(lines, first, end, (shadow, offset, bytes, firstLine) -> {
            long from = offset / Lines.LINE;
            long to = from + bytes / Lines.LINE;
            for (long line = shadow.nextDeviceWritten(from, to); line >= 0; line = shadow.nextDeviceWritten(line + 1,
                    to))
                add(harm, firstLine, line - from, shadow.newerInMemory(line));
        });
    }

    // ---- who reads and writes

    @Override
    public void deviceAccess(Lines lines, int first, int end, boolean write, Harm harm) {
        forEachPlayed(lines, first, end, (shadow, offset, bytes, firstLine) -> {
            long from = offset / Lines.LINE;
            long to = from + bytes / Lines.LINE;
            // Nothing to evict either.
            if (!write && shadow.equalsMemory(offset, bytes)) return;
            for (long line = from; line < to; line++) {
                int of = firstLine + (int) (line - from);
                if (!write) add(harm, of, 0, shadow.newerInCaches(line) & harm.inRange(of));
                if (evicts() && !shadow.isDeviceWritten(line)) shadow.writeBack(line);
                if (write) shadow.noteDevice(line, harm.inRange(of));
            }
        });
    }

    @Override
    public void cacheAccess(Lines lines, int first, int end, boolean write, Harm harm) {
        forEachPlayed(lines, first, end, (shadow, offset, bytes, firstLine) -> {
            long from = offset / Lines.LINE;
            long to = from + bytes / Lines.LINE;
            for (long line = shadow.nextDeviceWritten(from, to); line >= 0; line = shadow.nextDeviceWritten(line + 1,
                    to)) {
                int of = firstLine + (int) (line - from);
                if (write) {
                    shadow.noteCaches(line, harm.inRange(of));
                } else {
                    add(harm, of, 0, shadow.newerInMemory(line) & harm.inRange(of));
                }
            }
        });
    }

    private boolean evicts() {
        return switch (eviction) {
            case Eviction.Lazy lazy -> false;
            case Eviction.Eager eager -> true;
            case Eviction.Seeded seeded -> chance.nextInt(seeded.oneIn()) == 0;
        };
    }
}
