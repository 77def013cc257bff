package sluice.dmacore.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.finding.Subject;
import sluice.dmacore.memory.FileId;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.CacheExecutor;
import sluice.dmacore.ownership.Lines;

/**
 * Plays the CPU's caches and the memory behind them (rows S41, S45). Buffers are what the CPU sees; a device that does not
 * snoop sees a shadow of them, into which bytes get by a write-back, and out of which by an invalidation. A missing operation
 * shows as wrong bytes, always the same.
 *
 * <p>It cannot see a CPU store of the value that is there already, nor who of several writers it was; and a copy that races
 * with a store takes a part of it.
 */
public final class ShadowCaches implements CacheExecutor {
    private final FileMappings files;
    private final Findings findings;
    private final Eviction eviction;
    private final Random chance;
    private final Map<FileId, Shadow> shadows = new HashMap<>();
    private long copiedByFormer;

    /**
     * @param files where shadows are mapped
     * @param findings gets what the CPU did while a device owned a line
     */
    public ShadowCaches(FileMappings files, Findings findings, Eviction eviction) {
        this.files = files;
        this.findings = findings;
        this.eviction = eviction;
        chance = new Random(eviction instanceof Eviction.Seeded seeded ? seeded.seed() : 0);
    }

    /** Bytes that were copied to play all this; none of them is a bounce. */
    public synchronized long cacheBytes() {
        long bytes = copiedByFormer;
        for (Shadow shadow : shadows.values()) bytes += shadow.copied();
        return bytes;
    }

    // ---- which pages play

    @Override
    public synchronized void covered(Lines lines) {
        lines.forEachStretch(0, lines.count(),
                (file, offset, bytes, _) -> shadows.computeIfAbsent(file.id(), _ -> open(file)).cover(offset, bytes));
    }

    private Shadow open(FileMapping file) {
        try {
            return Shadow.of(file, files);
        } catch (IOException e) {
            throw new UncheckedIOException("no memory to play the caches of " + file, e);
        }
    }

    @Override
    public synchronized void uncovered(Lines lines) {
        lines.forEachStretch(0, lines.count(), (file, offset, bytes, _) -> {
            Shadow shadow = of(file);
            if (!shadow.leave(offset, bytes)) return;
            copiedByFormer += shadow.copied();
            shadow.close();
            shadows.remove(file.id());
        });
        lines.forEachStretch(0, lines.count(), (file, offset, bytes, _) -> {
            Shadow shadow = shadows.get(file.id());
            if (shadow != null) shadow.uncover(offset, bytes);
        });
    }

    private Shadow of(FileMapping file) {
        Shadow shadow = shadows.get(file.id());
        if (shadow == null)
            throw new IllegalStateException(file + " has no shadow: no device without snooping is attached");
        return shadow;
    }

    @Override
    public synchronized Runs deviceMemory(Lines lines) {
        Runs runs = lines.runs();
        Runs seen = new Runs(runs.count());
        for (int run = 0; run < runs.count(); run++)
            seen.add(of(runs.mapping(run)).memory(), runs.offset(run), runs.length(run));
        return seen;
    }

    /** Takes stretches of lines that play. */
    @FunctionalInterface
    private interface Played {
        void take(Shadow shadow, long offset, long bytes, int firstLine);
    }

    /** Where no device is left, the caches hold all there is: what one wrote there and nobody fetched has gone with it. */
    private void forEachPlayed(Lines lines, int first, int end, Played played) {
        lines.forEachStretch(first, end, (file, offset, bytes, firstLine) -> {
            Shadow shadow = shadows.get(file.id());
            if (shadow == null) return;
            long stop = offset + bytes;
            long at = shadow.next(true, offset, stop);
            while (at < stop) {
                long until = shadow.next(false, at, stop);
                played.take(shadow, at, until - at, firstLine + (int) ((at - offset) / Lines.LINE));
                at = shadow.next(true, until, stop);
            }
        });
    }

    // ---- what the caches do

    @Override
    public synchronized void writeBack(Lines lines, int first, int end) {
        Broken broken = new Broken(lines, "their write-back destroys what the device wrote");
        forEachPlayed(lines, first, end, (shadow, offset, bytes, firstLine) -> {
            long from = offset / Lines.LINE;
            long to = from + bytes / Lines.LINE;
            if (shadow.nextDeviceWritten(from, to) < 0) {
                shadow.writeBack(offset, bytes);
                return;
            }
            for (long line = from; line < to; line++) {
                boolean devices = shadow.isDeviceWritten(line);
                // The CPU has not touched it: a cache writes back what is dirty, and nothing else.
                if (devices && shadow.equalsTwin(line) && !shadow.wasDirty(line)) continue;
                if (devices && !shadow.equalsTwin(line)) broken.add(firstLine + (int) (line - from));
                shadow.writeBack(line);
            }
        });
        broken.tell();
    }

    @Override
    public synchronized void invalidate(Lines lines, int first, int end, boolean afterDevice) {
        Broken broken = new Broken(lines, "what it wrote is lost");
        forEachPlayed(lines, first, end, (shadow, offset, bytes, firstLine) -> {
            long from = offset / Lines.LINE;
            long to = from + bytes / Lines.LINE;
            for (long line = from; line < to; line++) {
                if (afterDevice && wroteMeanwhile(shadow, line)) broken.add(firstLine + (int) (line - from));
            }
            shadow.drop(offset, bytes);
            for (long line = shadow.nextDeviceWritten(from, to); line >= 0; line = shadow.nextDeviceWritten(line, to))
                shadow.drop(line);
        });
        broken.tell();
    }

    @Override
    public synchronized void returned(Lines lines, int first, int end) {
        Broken broken = new Broken(lines, "the device may have seen them or not");
        forEachPlayed(lines, first, end, (shadow, offset, bytes, firstLine) -> {
            long from = offset / Lines.LINE;
            long to = from + bytes / Lines.LINE;
            if (shadow.nextDeviceWritten(from, to) < 0 && shadow.equalsMemory(offset, bytes)) return;
            for (long line = from; line < to; line++) {
                if (wroteMeanwhile(shadow, line)) broken.add(firstLine + (int) (line - from));
            }
        });
        broken.tell();
    }

    @Override
    public synchronized boolean wouldLose(Lines lines, int first, int end) {
        boolean[] loses = new boolean[1];
        forEachPlayed(lines, first, end,
                (shadow, offset, bytes, _) -> loses[0] |= !shadow.equalsMemory(offset, bytes));
        return loses[0];
    }

    private static boolean wroteMeanwhile(Shadow shadow, long line) {
        return shadow.isDeviceWritten(line) ? !shadow.equalsTwin(line) : !shadow.equalsMemory(line);
    }

    @Override
    public synchronized void deviceAccess(Lines lines, int first, int end, boolean write) {
        forEachPlayed(lines, first, end, (shadow, offset, bytes, _) -> {
            long from = offset / Lines.LINE;
            long to = from + bytes / Lines.LINE;
            for (long line = from; line < to; line++) {
                if (evicts() && !shadow.isDeviceWritten(line)) shadow.writeBack(line);
                if (write) shadow.keepTwin(line);
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

    /** Lines that the CPU wrote in a device's time: one finding for all of an operation's. */
    private final class Broken {
        private final Lines lines;
        private final String consequence;
        private int first = -1;
        private int last;
        private int count;

        Broken(Lines lines, String consequence) {
            this.lines = lines;
            this.consequence = consequence;
        }

        void add(int line) {
            if (first < 0) first = line;
            last = line;
            count++;
        }

        void tell() {
            if (first < 0) return;
            long from = lines.position(first);
            findings.add(Rule.CPU_WROTE_DEVICE_OWNED, new Subject("", 0, lines.buffer(), lines.number()), from,
                    lines.endPosition(last) - from,
                    "the CPU wrote %d lines while a device owned them; %s".formatted(count, consequence));
        }
    }
}
